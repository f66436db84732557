using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>What the findings come to.</summary>
/// <param name="Root">The finding that explains the rest; null when nothing does.</param>
/// <param name="Related">Other findings about the asked workloads, what they stand on, and the root's own.</param>
/// <param name="Elsewhere">Findings that have nothing to do with the question.</param>
/// <param name="Via">The asked workload that stands on the root's, when they differ.</param>
internal sealed record Verdict(Finding? Root, IReadOnlyList<Finding> Related, IReadOnlyList<Finding> Elsewhere, WorkloadName? Via, Confidence Confidence);

/// <summary>
/// Picks the root cause. A fault in what the asked workload stands on explains its errors; errors never explain a fault. Among faults the
/// nearest kind of explanation wins (the order of <see cref="Cause"/>), and a fault further down the chain before one above it.
/// </summary>
internal static class RootCause
{
    private static readonly TimeSpan Together = TimeSpan.FromMinutes(5);

    public static Verdict Judge(Snapshot s, IReadOnlyList<Finding> findings)
    {
        var reach = Topology.Reach(s);
        var everywhere = s.Asked.Count == 0;
        bool Concerns(Finding f) => everywhere || reach.ContainsKey(f.Workload) || f.Affects.Any(reach.ContainsKey);
        int Steps(Finding f) => reach.TryGetValue(f.Workload, out var steps) ? steps : 0;

        var related = findings.Where(Concerns).ToArray();
        var root = related.Where(f => !f.IsSymptom)
            .OrderByDescending(f => f.Explains).ThenBy(f => Rank(f.Cause)).ThenByDescending(Steps).ThenByDescending(f => f.Since)
            .FirstOrDefault();
        Finding[] elsewhere = [.. findings.Where(f => !Concerns(f) && f.Explains && f.Cause != Cause.ScaledToZero)];
        WorkloadName? via = root is not null && !everywhere && !s.Asked.Contains(root.Workload) && root.Affects.Count == 0 ? s.Asked[0] : null;
        // What a dependency's fault does to its callers is no fault of theirs.
        bool Follows(Finding f) => via is not null && (f.Cause is Cause.OnePodFails or Cause.NotReady) && f.Workload != root!.Workload && s.Asked.Contains(f.Workload);
        return new(root, [.. related.Where(f => f != root && !Follows(f))], elsewhere, via, HowSure(s, root, related));
    }

    // Kinds that explain equally well share a rank; then the chain decides.
    private static int Rank(Cause cause) => cause switch
    {
        Cause.NodeNotReady => 0,
        Cause.ScaledToZero or Cause.ImagePull or Cause.MissingConfiguration or Cause.OutOfMemory or Cause.InitFailing or Cause.CrashLoop
            or Cause.ClaimPending or Cause.Evicted or Cause.JobFailed => 1,
        Cause.NodePressure => 2,
        Cause.Unschedulable => 3,
        _ => (int)cause,
    };

    // High only when Kubernetes and the metrics or alerts agree on the same fault.
    private static Confidence HowSure(Snapshot s, Finding? root, Finding[] related)
    {
        if (root is null || !root.Explains)
            return Confidence.Low;
        var measured = related.Any(f => f.Cause is Cause.ErrorRate && Near(f, root))
            || related.Any(f => f.Cause is Cause.OnePodFails && f != root && f.Pods.Any(p => root.Pods.Contains(p)))
            || (root.Cause == Cause.OnePodFails && related.Any(f => f != root && !f.IsSymptom && f.Pods.Any(p => root.Pods.Contains(p))))
            || related.Any(f => f.Cause is Cause.FiringAlert && f.Workload == root.Workload);
        return measured ? Confidence.High : s.Asked.Count == 0 && related.Count(f => f.Explains) > 3 ? Confidence.Low : Confidence.Medium;
    }

    private static bool Near(Finding rate, Finding root) =>
        rate.Since is null || root.Since is null || rate.Since - root.Since > -Together;
}
