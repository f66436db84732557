using IncidentFox.Agent.Estate;

namespace IncidentFox.Agent.Analysis;

/// <summary>A call that a log says failed.</summary>
internal sealed record FailedCall(WorkloadName From, WorkloadName To, string Pod, string Log);

/// <summary>Who calls whom, from what the deployments' environment names and what logs complain about.</summary>
internal static class Topology
{
    private const int MostSteps = 4;

    public static WorkloadName WorkloadOfService(Snapshot s, string service)
    {
        var candidates = s.Asked.Where(a => a.Name == service).Concat(s.Deployments.Where(d => d.Name == service).Select(d => new WorkloadName(d.Namespace, d.Name)));
        foreach (var found in candidates)
            return found;
        var selected = s.Services.Where(v => v.Name == service && v.Selector.Count > 0)
            .SelectMany(v => s.Pods.Where(p => p.Namespace == v.Namespace && v.Selector.All(l => p.Labels.GetValueOrDefault(l.Key) == l.Value)))
            .FirstOrDefault();
        return selected is null ? new(s.Services.FirstOrDefault(v => v.Name == service)?.Namespace ?? "", service) : new(selected.Namespace, selected.Workload);
    }

    /// <summary>The asked workloads and what they stand on, with the number of steps between.</summary>
    public static IReadOnlyDictionary<WorkloadName, int> Reach(Snapshot s)
    {
        var edges = Edges(s).ToLookup(e => e.From, e => e.To);
        var reach = s.Asked.ToDictionary(a => a, _ => 0);
        var next = new Queue<WorkloadName>(s.Asked);
        while (next.TryDequeue(out var at))
            foreach (var to in edges[at])
                if (reach[at] < MostSteps && reach.TryAdd(to, reach[at] + 1))
                    next.Enqueue(to);
        return reach;
    }

    public static IEnumerable<FailedCall> FailedCalls(Snapshot s)
    {
        foreach (var (key, log) in s.Logs.Where(l => !l.Key.Previous))
        {
            if (s.Pods.FirstOrDefault(p => p.Namespace == key.Namespace && p.Name == key.Pod) is not { } pod)
                continue;
            foreach (var name in LogLines.FailedCalls(log, Names(s, pod.Namespace)).Where(n => n != pod.Workload))
                yield return new(new(pod.Namespace, pod.Workload), WorkloadOfService(s, name), pod.Name, log);
        }
    }

    private static IEnumerable<(WorkloadName From, WorkloadName To)> Edges(Snapshot s) =>
        s.Deployments.SelectMany(d => Names(s, d.Namespace).Where(n => n != d.Name && d.Environment.Any(e => Mentions(e, n)))
                .Select(n => (From: new WorkloadName(d.Namespace, d.Name), To: WorkloadOfService(s, n))))
            .Concat(FailedCalls(s).Select(c => (c.From, c.To)))
            .Distinct();

    // PAYMENTS_URL=..., X=http://payments:80, Y=$(PAYMENTS_SERVICE_HOST)
    private static bool Mentions((string Name, string Value) variable, string name) =>
        Words.Contains(variable.Value, name) || variable.Name.Replace('_', '-').StartsWith(name + "-", StringComparison.OrdinalIgnoreCase);

    private static IReadOnlyCollection<string> Names(Snapshot s, string ns) =>
        s.Deployments.Where(d => d.Namespace == ns).Select(d => d.Name).Concat(s.Services.Where(v => v.Namespace == ns).Select(v => v.Name)).ToHashSet(StringComparer.Ordinal);
}
