using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>Containers killed for memory. The reason counts, not the exit code: runtimes differ (137, 128).</summary>
internal static class OutOfMemory
{
    private static readonly TimeSpan Recent = TimeSpan.FromMinutes(10);

    public static IEnumerable<Finding> Find(Snapshot s) =>
        from pod in s.Pods
        where !pod.Terminating
        from container in pod.Containers
        where Killed(container, s.Now)
        group (pod, container) by new WorkloadName(pod.Namespace, pod.Workload) into g
        select Describe(s, g.Key, [.. g.OrderBy(x => x.pod.Ready).ThenByDescending(x => x.container.Restarts)]);

    public static bool Killed(Container c, DateTimeOffset now) =>
        c.State.Reason == "OOMKilled" || (c.Last.Reason == "OOMKilled" && (!c.Ready || now - c.Last.FinishedAt < Recent));

    private static Finding Describe(Snapshot s, WorkloadName workload, List<(Pod Pod, Container Container)> killed)
    {
        var (pod, container) = killed[0];
        var pods = killed.Select(k => k.Pod).Distinct().ToArray();
        var limit = container.MemoryLimit.Length > 0 ? $"its memory limit of {container.MemoryLimit}" : "the memory it is allowed";
        var remedy = Restarting.Remedy(s, pods);
        var end = container.State.Reason == "OOMKilled" ? container.State : container.Last;
        return new()
        {
            Cause = Cause.OutOfMemory,
            Workload = workload,
            Pods = pods,
            Statement = $"Container {container.Name} of pod {pod.Name} is OOMKilled: it grows past {limit} and is killed again after each start ({Sentences.Count(container.Restarts, "restart")}){(remedy is null ? "" : ", while its siblings from the same template are healthy")}.",
            // After a few rounds the last end says nothing about the first.
            Since = container.Restarts > 3 ? null : end.FinishedAt,
            Evidence =
            [
                new($"{Sentences.Pods(pods, s.PodsOf(workload).Count())} of {workload}: container {container.Name} was OOMKilled, {Sentences.Count(container.Restarts, "restart")}", "list_pods",
                    $"reason={end.Reason} exitCode={end.ExitCode} finishedAt={Sentences.Stamp(end.FinishedAt)} limits.memory={(container.MemoryLimit.Length > 0 ? container.MemoryLimit : "none")}"),
                .. s.Log(pod, container.Name) is { } log ? [new Evidence($"The last lines of {pod.Name} before it was killed", "get_pod_logs", log)] : Array.Empty<Evidence>(),
            ],
            NextSteps =
            [
                remedy is null ? Restarting.WhyNot(s, pods) : $"If {pod.Name}'s successor grows again, look for what it keeps between restarts.",
                $"Raise the memory limit of {workload} (now {(container.MemoryLimit.Length > 0 ? container.MemoryLimit : "not set")}) or lower what container {container.Name} holds in memory.",
            ],
            Remedy = remedy,
        };
    }
}
