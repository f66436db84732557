using IncidentFox.Agent.Estate;

namespace IncidentFox.Agent.Analysis;

/// <summary>
/// Whether replacing a pod would help. It does when pods of the same template work: then the fault is the pod's own (memory, a spool, a pool).
/// When every pod of the template fails, or there is no other, a new one would fail the same way.
/// </summary>
internal static class Restarting
{
    public static Remedy? Remedy(Snapshot snapshot, IReadOnlyList<Pod> failing)
    {
        if (failing.Count == 0 || failing[0] is not { Owner.Length: > 0, Terminating: false } pod || pod.OwnerKind == "Job")
            return null;
        var healthy = Siblings(snapshot, pod).Count(p => p.Ready);
        return healthy == 0 ? null : new Remedy(
            "pod_restart",
            $"Restart pod {pod.Name}: {(healthy == 1 ? "the other pod of its template is" : $"{healthy} other pods of its template are")} healthy, so a fresh one should be too.",
            ("namespace", pod.Namespace), ("pod", pod.Name));
    }

    public static string WhyNot(Snapshot snapshot, IReadOnlyList<Pod> failing) =>
        failing.Count > 0 && Siblings(snapshot, failing[0]).Any()
            ? "A restart would not help: every pod of this template fails the same way."
            : "A restart is not proposed: no other pod of this template works, so a new one is likely to fail the same way.";

    private static IEnumerable<Pod> Siblings(Snapshot snapshot, Pod pod) =>
        snapshot.Pods.Where(p => p.Namespace == pod.Namespace && p.Owner == pod.Owner && p.Uid != pod.Uid && p is { Terminating: false, Finished: false });
}
