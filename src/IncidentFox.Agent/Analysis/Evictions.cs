using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>
/// Pods that the kubelet put out. A pod whose program ends well on TERM reads Succeeded afterwards, so the events are what tells. Evictions for
/// a node's sake belong to the node.
/// </summary>
internal static class Evictions
{
    private static readonly TimeSpan Recent = TimeSpan.FromMinutes(30);

    public static IEnumerable<Finding> Find(Snapshot s)
    {
        var fromEvents = s.Events.Where(e => e is { Reason: "Evicted", Kind: "Pod" } && !(s.Now - e.At > Recent)).Select(e => (e.Namespace, Pod: e.Name, e.Message, e.At, Tool: "list_events"));
        var fromPods = s.Pods.Where(p => p.Reason == "Evicted").Select(p => (p.Namespace, Pod: p.Name, p.Message, At: p.Created, Tool: "list_pods"));
        return fromEvents.Concat(fromPods).DistinctBy(e => (e.Namespace, e.Pod))
            .Where(e => !(ForTheNode(e.Message) && s.Nodes.Any(n => n.Pressures.Any())))
            .GroupBy(e => new WorkloadName(e.Namespace, WorkloadOf(s, e.Namespace, e.Pod)))
            .Select(g => new Finding
            {
                Cause = Cause.Evicted,
                Workload = g.Key,
                Pods = [.. s.PodsOf(g.Key).Where(p => g.Any(e => e.Pod == p.Name))],
                Statement = $"{g.Count()} pod{(g.Count() == 1 ? " of " + g.Key + " was" : "s of " + g.Key + " were")} evicted: {g.Last().Message.Trim().TrimEnd('.')}.{(ForTheNode(g.Last().Message) ? "" : " Each new pod fills up the same way.")}",
                Since = g.Min(e => e.At),
                Evidence =
                [
                    .. g.TakeLast(2).Select(e => new Evidence($"Evicted: {e.Pod}{(e.At is { } at ? " at " + Sentences.At(at) : "")}", e.Tool, e.Message)),
                    .. s.PodsOf(g.Key).Where(p => !p.Finished).SelectMany(p => p.Containers.Select(c => (p, log: s.Log(p, c.Name)))).Where(x => x.log is not null).Take(1)
                        .Select(x => new Evidence($"Log of {x.p.Name}, which runs now", "get_pod_logs", x.log)),
                ],
                NextSteps =
                [
                    ForTheNode(g.Last().Message) ? "Look at the node's memory and disk." : $"Raise the ephemeral-storage limit of {g.Key}, bound what it writes, or repair what should drain it.",
                    "A restart would not help for long: a new pod writes the same.",
                ],
            });
    }

    public static bool ForTheNode(string message) =>
        message.Contains("node was low on resource", StringComparison.Ordinal) || message.Contains("node had condition", StringComparison.OrdinalIgnoreCase);

    // The pod may be gone: its name is its workload's with two random parts.
    private static string WorkloadOf(Snapshot s, string ns, string pod)
    {
        if (s.Pods.FirstOrDefault(p => p.Namespace == ns && p.Name == pod) is { } known)
            return known.Workload;
        return s.Deployments.Where(d => d.Namespace == ns && pod.StartsWith(d.Name + "-", StringComparison.Ordinal)).MaxBy(d => d.Name.Length)?.Name ?? pod;
    }
}
