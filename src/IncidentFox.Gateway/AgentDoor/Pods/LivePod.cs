using System.Net;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>A pod as the cluster has it, of which the door needs no more than this.</summary>
internal sealed record LivePod(string Uid, string Name, bool IsOver, DateTimeOffset CreatedAt, IReadOnlyList<IPAddress> Addresses)
{
    /// <summary>Null when it is no pod.</summary>
    public static LivePod? Read(JsonNode? pod)
    {
        var metadata = pod?["metadata"];
        var status = pod?["status"];
        if (Text(metadata?["uid"]) is not { Length: > 0 } uid || Text(metadata?["name"]) is not { Length: > 0 } name)
            return null;
        var addresses = (status?["podIPs"] as JsonArray ?? []).Select(a => Text(a?["ip"])).Append(Text(status?["podIP"]))
            .Select(text => IPAddress.TryParse(text, out var address) ? address : null).OfType<IPAddress>().Distinct().ToList();
        // Somebody who is being deleted has been told to end: nothing more is done for it.
        var isOver = metadata!["deletionTimestamp"] is not null || Text(status?["phase"]) is "Succeeded" or "Failed";
        return new(uid, name, isOver, DateTimeOffset.TryParse(Text(metadata["creationTimestamp"]), null, out var at) ? at : DateTimeOffset.MinValue, addresses);
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
