using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>Nodes that are not ready or short of something, and what runs on them.</summary>
internal static class NodeTrouble
{
    public static IEnumerable<Finding> Find(Snapshot s)
    {
        foreach (var node in s.Nodes)
        {
            var on = s.Pods.Where(p => p.Node == node.Name).ToArray();
            if (node.Conditions.FirstOrDefault(c => c is { Type: "Ready", Status: not "True" }) is { } ready)
                yield return Describe(s, node, on, Cause.NodeNotReady, ready,
                    $"Node {node.Name} is NotReady (Ready={ready.Status}, {ready.Reason}: {ready.Message.TrimEnd('.')}): {on.Count(p => !p.Ready && !p.Finished)} of the {on.Length} pods on it are not ready. The workloads themselves show no fault.",
                    $"Bring node {node.Name} back: look at its kubelet, its machine and its network.");
            foreach (var pressure in node.Pressures)
                yield return Describe(s, node, on, Cause.NodePressure, pressure,
                    $"Node {node.Name} is under {pressure.Type} ({pressure.Reason}): the kubelet evicts pods from it and takes no new ones that it can avoid. No container was killed by a limit of its own.",
                    $"Relieve node {node.Name} ({pressure.Type}): move or shrink what uses most of it, or add capacity.");
        }
    }

    private static Finding Describe(Snapshot s, Node node, Pod[] on, Cause cause, Condition condition, string statement, string step) => new()
    {
        Cause = cause,
        Workload = new("", node.Name),
        Statement = statement,
        Since = condition.Since,
        Affects =
        [
            .. on.Select(p => new WorkloadName(p.Namespace, p.Workload)).Concat(
                s.Pods.Where(p => p.Unschedulable is not null || (p.Reason == "Evicted" && Evictions.ForTheNode(p.Message))).Select(p => new WorkloadName(p.Namespace, p.Workload))).Distinct(),
        ],
        Evidence =
        [
            new($"Node {node.Name}: {condition.Type}={condition.Status}{Sentences.Since(condition.Since)}", "list_nodes", $"{condition.Reason}: {condition.Message}\ntaints: {(node.Taints.Count == 0 ? "none" : string.Join(", ", node.Taints))}"),
            .. s.Events.Where(e => cause == Cause.NodeNotReady ? e.Reason == "NodeNotReady" : e.Reason == "Evicted" && Evictions.ForTheNode(e.Message))
                .OrderBy(e => e.At).TakeLast(2).Select(e => new Evidence($"{e.Reason}: {e.Name}{(e.At is { } at ? " at " + Sentences.At(at) : "")}", "list_events", e.Message)),
        ],
        NextSteps = [step, "Restarting pods would not help: the fault is the node's."],
    };
}
