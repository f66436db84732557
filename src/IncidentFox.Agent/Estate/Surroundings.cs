using System.Text.Json;

namespace IncidentFox.Agent.Estate;

/// <summary>Something that the cluster noted.</summary>
internal sealed record ClusterEvent(string Namespace, DateTimeOffset? At, string Type, string Reason, string Kind, string Name, string Message, int Count);

/// <summary>A service and how many of its endpoints are ready; -1 when the endpoint slices were not seen.</summary>
internal sealed record Service(string Namespace, string Name, IReadOnlyDictionary<string, string> Selector, int ReadyEndpoints);

/// <summary>A node.</summary>
internal sealed record Node(string Name, IReadOnlyList<Condition> Conditions, IReadOnlyList<string> Taints, string AllocatableCpu, string AllocatableMemory)
{
    public bool NotReady => Conditions.Any(c => c is { Type: "Ready", Status: not "True" });

    public IEnumerable<Condition> Pressures => Conditions.Where(c => c.Type.EndsWith("Pressure", StringComparison.Ordinal) && c.Status == "True");
}

/// <summary>A firing alert.</summary>
internal sealed record Alert(string Name, DateTimeOffset? Since, IReadOnlyDictionary<string, string> Labels, string Summary, string Tool);

/// <summary>Turns API lists into what surrounds the workloads.</summary>
internal static class SurroundingsReading
{
    public static IReadOnlyList<ClusterEvent> Events(JsonElement? list) =>
    [
        .. list.At("items").Items().Take(5_000).Select(e => new ClusterEvent(
            e.At("metadata").At("namespace").Text() ?? "",
            // The scheduler writes eventTime, the kubelet and the controllers lastTimestamp.
            e.At("eventTime").Time() ?? e.At("lastTimestamp").Time() ?? e.At("firstTimestamp").Time(),
            e.Text("type"), e.Text("reason"), e.At("involvedObject").At("kind").Text() ?? "", e.At("involvedObject").At("name").Text() ?? "", e.Text("message"), e.At("count").Number(1))),
    ];

    public static IReadOnlyList<Service> Services(JsonElement? services, JsonElement? slices)
    {
        var ready = slices.At("items").Items()
            .GroupBy(s => (s.At("metadata").At("namespace").Text(), s.At("metadata").At("labels").At("kubernetes.io/service-name").Text()))
            .ToDictionary(g => g.Key, g => g.Sum(s => s.At("endpoints").Items().Count(e => e.At("conditions").At("ready") is not { ValueKind: JsonValueKind.False })));
        return
        [
            .. services.At("items").Items().Take(5_000).Select(s =>
            {
                var (ns, name) = (s.At("metadata").At("namespace").Text() ?? "", s.At("metadata").At("name").Text() ?? "");
                return new Service(ns, name, s.At("spec").At("selector").Labels(), slices is null ? -1 : ready.GetValueOrDefault((ns, name)));
            }),
        ];
    }

    public static IReadOnlyList<Node> Nodes(JsonElement? list) =>
    [
        .. list.At("items").Items().Take(5_000).Select(n => new Node(
            n.At("metadata").At("name").Text() ?? "", WorkloadReading.Conditions(n.At("status")),
            [.. n.At("spec").At("taints").Items().Select(t => t.Text("key"))],
            n.At("status").At("allocatable").At("cpu").Text() ?? "", n.At("status").At("allocatable").At("memory").Text() ?? "")),
    ];

    /// <summary>Both shapes: Prometheus' <c>data.alerts</c> and Alertmanager's array.</summary>
    public static IReadOnlyList<Alert> Alerts(JsonElement? answer, string tool)
    {
        var list = answer is { ValueKind: JsonValueKind.Array } ? answer : answer.At("data").At("alerts");
        return
        [
            .. list.Items().Take(500)
                .Where(a => a.At("state").Text() is null or "firing" && a.At("status").At("state").Text() is null or "active")
                .Select(a =>
                {
                    var labels = a.At("labels").Labels();
                    var annotations = a.At("annotations").Labels();
                    return new Alert(labels.GetValueOrDefault("alertname", ""), a.At("activeAt").Time() ?? a.At("startsAt").Time(), labels,
                        annotations.GetValueOrDefault("summary") ?? annotations.GetValueOrDefault("description", ""), tool);
                })
                .Where(a => a.Name.Length > 0),
        ];
    }
}
