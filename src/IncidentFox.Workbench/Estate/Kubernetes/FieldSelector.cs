using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>`fieldSelector=status.phase!=Running,spec.nodeName=node-1`: only the fields that the API server indexes.</summary>
internal sealed class FieldSelector
{
    private static readonly string[] OfAll = ["metadata.name", "metadata.namespace"];
    private readonly List<(string[] Path, bool Equal, string Value)> _terms = [];

    public bool IsEmpty => _terms.Count == 0;

    public static FieldSelector Parse(string text, ResourceType type)
    {
        var selector = new FieldSelector();
        foreach (var term in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = term.IndexOfAny(['=', '!']);
            var (op, length) = at < 0 ? ("", 0) : term[at..] switch
            {
                ['!', '=', ..] => ("!=", 2),
                ['=', '=', ..] => ("=", 2),
                ['=', ..] => ("=", 1),
                _ => ("", 0),
            };
            if (op.Length == 0)
            {
                throw ApiException.BadRequest($"invalid selector: '{term}'; can't understand '{term}'");
            }

            var field = term[..at];
            if (!OfAll.Contains(field) && !FieldsOf(type).Contains(field))
            {
                throw ApiException.BadRequest($"field label not supported: {field}");
            }

            selector._terms.Add((Stored(field, type).Split('.'), op == "=", term[(at + length)..]));
        }

        return selector;
    }

    public bool Matches(JsonObject o) => _terms.TrueForAll(t => (ValueOf(o.At(t.Path)) == t.Value) == t.Equal);

    private static string ValueOf(JsonNode? node) => node switch
    {
        null => "",
        JsonValue => node.Text() ?? node.ToJsonString(),
        _ => "",
    };

    private static string[] FieldsOf(ResourceType type) => (type.Group, type.Plural) switch
    {
        ("", "pods") => ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"],
        ("", "nodes") => ["spec.unschedulable"],
        ("", "namespaces") => ["status.phase"],
        ("", "secrets") => ["type"],
        ("apps", "replicasets") => ["status.replicas"],
        ("", "events") => [.. Reference("involvedObject"), "reason", "reportingComponent", "source", "type"],
        ("events.k8s.io", "events") => [.. Reference("regarding"), "reason", "reportingController", "type"],
        _ => [],
    };

    private static string[] Reference(string name) =>
        [.. new[] { "kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath" }.Select(f => $"{name}.{f}")];

    /// <summary>Where the field is in the stored object: events are stored in their older form.</summary>
    private static string Stored(string field, ResourceType type) => type == ResourceTypes.NewEvents
        ? field.Replace("regarding.", "involvedObject.", StringComparison.Ordinal).Replace("reportingController", "reportingComponent", StringComparison.Ordinal)
        : field == "source" ? "source.component" : field;
}
