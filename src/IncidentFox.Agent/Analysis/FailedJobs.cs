using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>Jobs whose pods fail, a CronJob's runs taken together.</summary>
internal static class FailedJobs
{
    public static IEnumerable<Finding> Find(Snapshot s) =>
        from pod in s.Pods
        where pod is { OwnerKind: "Job", Phase: "Failed" } && pod.Reason != "Evicted"
        orderby pod.Created
        group pod by new WorkloadName(pod.Namespace, pod.Workload) into g
        select Describe(s, g.Key, [.. g]);

    private static Finding Describe(Snapshot s, WorkloadName workload, Pod[] pods)
    {
        var last = pods[^1];
        var container = last.Containers.FirstOrDefault(c => c.State is { Kind: "terminated", ExitCode: not 0 });
        var log = pods.Reverse().SelectMany(p => p.Containers.Select(c => s.Log(p, c.Name))).FirstOrDefault(l => l is not null);
        var jobs = pods.Select(p => p.Owner).ToHashSet(StringComparer.Ordinal);
        var gaveUp = s.Events.LastOrDefault(e => e is { Kind: "Job", Reason: "BackoffLimitExceeded" or "DeadlineExceeded" } && e.Namespace == workload.Namespace && jobs.Contains(e.Name));
        return new()
        {
            Cause = Cause.JobFailed,
            Workload = workload,
            Pods = [last],
            Statement = $"Job {workload} fails ({pods.Length} failed pods{(gaveUp is null ? "" : ", " + gaveUp.Reason)}): container {container?.Name} ends with exit code {container?.State.ExitCode}{Sentences.Quoted(log)}.",
            Since = pods[0].Created,
            Evidence =
            [
                new($"{last.Name} failed", "list_pods", $"reason={container?.State.Reason} exitCode={container?.State.ExitCode}"),
                .. log is null ? Array.Empty<Evidence>() : [new Evidence($"Log of a failed pod of {workload}", "get_pod_logs", log)],
                .. gaveUp is null ? Array.Empty<Evidence>() : [new Evidence($"Job {gaveUp.Name}: {gaveUp.Reason}", "list_events", gaveUp.Message)],
            ],
            NextSteps = [$"Mend what job {workload} says at its end (see the quoted log), then run it again."],
        };
    }
}
