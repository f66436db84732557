using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>Failed requests: how much, since when, and whether one pod answers most of them.</summary>
internal static class ErrorRates
{
    private const double Bad = 0.2, TimesWorse = 3;

    public static IEnumerable<Finding> Find(Snapshot s) =>
        s.Metrics.Services.Values.Where(r => r.Rose).Select(r => Rate(s, r)).Concat(OnePod(s)).Concat(DependencyErrors(s));

    public static string Describe(ErrorRate rate) =>
        $"{rate.Service} answers {Sentences.Percent(rate.Now)} of its requests with 5xx" +
        (rate is { Rose: true, Before: { } before } ? $" (from {Sentences.Percent(before)} to {Sentences.Percent(rate.Now)}){Sentences.Since(rate.Since)}"
            : rate.Rose ? $", at least{Sentences.Since(rate.Since)}" : "");

    private static Finding Rate(Snapshot s, ErrorRate rate) => new()
    {
        Cause = Cause.ErrorRate,
        Workload = Topology.WorkloadOfService(s, rate.Service),
        Statement = Describe(rate) + ".",
        Since = rate.Since,
        Evidence = [new(Describe(rate), "query_metrics_range", null)],
    };

    private static IEnumerable<Finding> OnePod(Snapshot s)
    {
        // Only pods that get requests can be compared: the last one standing fails because it is alone. What a pod that is gone, or going, answered lingers in the rates.
        var living = s.Pods.Where(p => !p.Terminating).ToLookup(p => p.Name);
        var seen = s.Metrics.Pods.Where(p => p.All > 0 && living.Contains(p.Pod)).ToArray();
        if (seen.Length < 2 || seen.MaxBy(p => p.Share) is not { } worst || worst.Share < Bad)
            yield break;
        var pod = living[worst.Pod].First();
        var others = seen.Where(p => p.Pod != worst.Pod).ToArray();
        var share = others.Sum(p => p.Failed) / others.Sum(p => p.All);
        if (worst.Share < TimesWorse * share || (pod.Ready && s.PodsOf(new(pod.Namespace, pod.Workload)).Any(p => p is { Ready: false, Finished: false })))
            yield break;
        var log = pod.Containers.Select(c => s.Log(pod, c.Name)).FirstOrDefault(l => l is not null);
        yield return new()
        {
            Cause = Cause.OnePodFails,
            Workload = new(pod.Namespace, pod.Workload),
            Pods = [pod],
            Statement = $"One pod of {pod.Workload} fails: {pod.Name} answers {Sentences.Percent(worst.Share)} of its requests with 5xx, its siblings {Sentences.Percent(share)}{(log is null ? "" : $"; its log says{Sentences.Quoted(log)}")}.",
            Since = pod.NotReadySince,
            Evidence =
            [
                new($"{pod.Name} answers {Sentences.Percent(worst.Share)} with 5xx, its siblings {Sentences.Percent(share)}", "query_metrics", string.Join('\n', seen.OrderByDescending(p => p.Failed).Take(5).Select(p => $"{p.Pod}: {p.Failed:0.##} of {p.All:0.##} requests/s failed"))),
                .. log is null ? Array.Empty<Evidence>() : [new Evidence($"Log of {pod.Name}", "get_pod_logs", log)],
            ],
            NextSteps = [$"If {pod.Name}'s successor ends the same way, look at what its log names."],
            Remedy = Restarting.Remedy(s, [pod]),
        };
    }

    private static IEnumerable<Finding> DependencyErrors(Snapshot s) =>
        from edge in Topology.FailedCalls(s)
        group edge by (edge.From, edge.To) into g
        let first = g.First()
        select new Finding
        {
            Cause = Cause.DependencyErrors,
            Workload = first.From,
            Statement = $"{first.From} complains about {first.To}{Sentences.Quoted(LogLines.Telling(first.Log))}.",
            Evidence = [new($"Log of {first.Pod} complains about {first.To}", "get_pod_logs", LogLines.Telling(first.Log))],
        };
}
