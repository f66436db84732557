using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>Conditions keep the time of their last change.</summary>
internal static class Conditions
{
    /// <summary>A condition of a pod or node.</summary>
    public static JsonObject OfPod(JsonObject? status, string type, bool isTrue, string? reason, string? message, DateTimeOffset now)
    {
        var before = Find(status, type);
        var value = isTrue ? "True" : "False";
        var condition = new JsonObject
        {
            ["type"] = type,
            ["status"] = value,
            ["lastProbeTime"] = null,
            ["lastTransitionTime"] = before.Text("status") == value ? before.Text("lastTransitionTime") : now.Rfc3339(),
        };
        if (reason is not null)
        {
            condition["reason"] = reason;
        }

        if (message is not null)
        {
            condition["message"] = message;
        }

        return condition;
    }

    /// <summary>A condition of a Deployment, which also says when it was last written.</summary>
    public static JsonObject OfDeployment(JsonObject? status, string type, bool isTrue, string reason, string message, DateTimeOffset now)
    {
        var before = Find(status, type);
        var value = isTrue ? "True" : "False";
        var isSame = before.Text("status") == value;
        var isUnchanged = isSame && before.Text("reason") == reason && before.Text("message") == message;
        return new()
        {
            ["type"] = type,
            ["status"] = value,
            ["lastUpdateTime"] = isUnchanged ? before.Text("lastUpdateTime") : now.Rfc3339(),
            ["lastTransitionTime"] = isSame ? before.Text("lastTransitionTime") : now.Rfc3339(),
            ["reason"] = reason,
            ["message"] = message,
        };
    }

    public static bool IsTrue(JsonObject o, string type) => Find(o["status"], type).Text("status") == "True";

    private static JsonObject? Find(JsonNode? status, string type) =>
        status.Objects("conditions").FirstOrDefault(c => c.Text("type") == type);
}
