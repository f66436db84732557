using IncidentFox.Agent.Analysis;
using IncidentFox.Agent.Estate;

namespace IncidentFox.Agent.Investigating;

/// <summary>Which logs are worth fetching: of what broke first, then of what was asked about and what runs beside the dead.</summary>
internal static class LogSelection
{
    private const int PerWorkload = 2;

    public static IEnumerable<LogKey> Choose(Snapshot s) =>
        Broken(s).Concat(Asked(s)).Distinct();

    private static IEnumerable<LogKey> Broken(Snapshot s)
    {
        var reach = Topology.Reach(s);
        var findings = Analyzers.Run(s).Where(f => f.Pods.Count > 0 || f.Cause == Cause.Evicted).OrderBy(f => reach.GetValueOrDefault(f.Workload, int.MaxValue)).ThenBy(f => f.Cause);
        foreach (var finding in findings)
        {
            // An evicted pod's log is gone; its successor fills up too.
            var pods = finding.Cause == Cause.Evicted ? s.PodsOf(finding.Workload).Where(p => !p.Finished) : finding.Pods;
            foreach (var pod in pods.Take(PerWorkload))
                foreach (var container in pod.Containers.Where(c => c.State.Kind is "running" or "terminated" || c.Last.Kind.Length > 0).Take(PerWorkload))
                {
                    yield return new(pod.Namespace, pod.Name, container.Name, false);
                    if (container.Restarts > 0)
                        yield return new(pod.Namespace, pod.Name, container.Name, true);
                }
        }
    }

    private static IEnumerable<LogKey> Asked(Snapshot s) =>
        from workload in s.Asked
        from pod in s.PodsOf(workload).Where(p => p.Phase == "Running").OrderBy(p => p.Ready).Take(PerWorkload)
        from container in pod.Containers.Where(c => c is { Init: false, State.Kind: "running" }).Take(PerWorkload)
        select new LogKey(pod.Namespace, pod.Name, container.Name, false);
}
