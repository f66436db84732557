using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>Pods that no node takes: too large, wrong selector, or waiting for a volume claim.</summary>
internal static class Scheduling
{
    public static IEnumerable<Finding> Find(Snapshot s) =>
        from pod in s.Pods
        where pod is { Phase: "Pending", Unschedulable: not null } && !ExplainedByNodes(s, pod.Unschedulable)
        group pod by new WorkloadName(pod.Namespace, pod.Workload) into g
        select Describe(s, g.Key, [.. g]);

    // A node that is down or under pressure taints itself: the node is the finding.
    private static bool ExplainedByNodes(Snapshot s, string message) =>
        message.Contains("untolerated taint {node.kubernetes.io/", StringComparison.Ordinal) && s.Nodes.Any(n => n.NotReady || n.Pressures.Any());

    private static Finding Describe(Snapshot s, WorkloadName workload, Pod[] pods)
    {
        var pod = pods[0];
        var message = pod.Unschedulable!;
        var claims = message.Contains("PersistentVolumeClaim", StringComparison.OrdinalIgnoreCase);
        var provisioning = claims
            ? s.Events.Where(e => e.Namespace == pod.Namespace && e is { Kind: "PersistentVolumeClaim", Type: "Warning" }).OrderBy(e => e.At).LastOrDefault()
            : null;
        var first = message.Split(". ")[0];
        return new()
        {
            Cause = claims ? Cause.ClaimPending : Cause.Unschedulable,
            Workload = workload,
            Pods = pods,
            Statement = claims
                ? $"Pod {pod.Name} of {workload} can't be scheduled: its PersistentVolumeClaim{(provisioning is null ? "" : " " + provisioning.Name)} stays Pending, unbound{(provisioning is null ? "" : $" ({provisioning.Reason}: {provisioning.Message})")}."
                : $"Pod {pod.Name} of {workload} can't be scheduled and stays Pending: {first}.",
            Since = pod.Created,
            Evidence =
            [
                new($"PodScheduled=False, Unschedulable: {pod.Name}", "list_pods", message),
                .. provisioning is null ? Array.Empty<Evidence>() : [new Evidence($"Claim {provisioning.Name}: {provisioning.Reason}", "list_events", provisioning.Message)],
                .. claims || s.Nodes.Count == 0 ? Array.Empty<Evidence>()
                    : [new Evidence("What the nodes can give", "list_nodes", string.Join('\n', s.Nodes.Take(5).Select(n => $"{n.Name}: cpu {n.AllocatableCpu}, memory {n.AllocatableMemory}, taints {(n.Taints.Count == 0 ? "none" : string.Join(", ", n.Taints))}")))],
            ],
            NextSteps =
            [
                claims ? $"Give claim {provisioning?.Name} a storage class that exists, or create the one it names." : $"Lower what {workload} requests or requires of a node, or add capacity.",
                "A restart would not help: a new pod asks for the same.",
            ],
        };
    }
}
