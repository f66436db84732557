using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>Shows a stored (core/v1) event as events.k8s.io/v1 does: the same fields by other names.</summary>
internal static class EventView
{
    private static readonly Dictionary<string, string> NewNames = new(StringComparer.Ordinal)
    {
        ["involvedObject"] = "regarding",
        ["message"] = "note",
        ["source"] = "deprecatedSource",
        ["firstTimestamp"] = "deprecatedFirstTimestamp",
        ["lastTimestamp"] = "deprecatedLastTimestamp",
        ["count"] = "deprecatedCount",
        ["reportingComponent"] = "reportingController",
    };

    private static readonly string[] Order =
    [
        "kind", "apiVersion", "metadata", "eventTime", "reportingController", "reportingInstance", "action", "reason", "regarding", "note", "type",
        "deprecatedSource", "deprecatedFirstTimestamp", "deprecatedLastTimestamp", "deprecatedCount",
    ];

    public static JsonObject Of(JsonObject stored)
    {
        var renamed = stored.ToDictionary(f => NewNames.GetValueOrDefault(f.Key, f.Key), f => f.Value, StringComparer.Ordinal);
        var view = new JsonObject();
        foreach (var field in Order)
        {
            if (renamed.TryGetValue(field, out var value))
            {
                view[field] = field == "apiVersion" ? "events.k8s.io/v1" : value?.DeepClone();
            }
        }

        return view;
    }
}
