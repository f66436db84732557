using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>
/// Containers that end again and again, init containers among them. CrashLoopBackOff alternates with terminated and running, so restarts and
/// the last state are what counts.
/// </summary>
internal static class CrashLoop
{
    private static readonly TimeSpan Recent = TimeSpan.FromMinutes(10);

    public static IEnumerable<Finding> Find(Snapshot s) =>
        from pod in s.Pods
        where pod is { Finished: false, Terminating: false } && pod.OwnerKind != "Job"
        from container in pod.Containers
        where Crashes(container, s.Now)
        group (pod, container) by (new WorkloadName(pod.Namespace, pod.Workload), container.Init) into g
        select Describe(s, g.Key.Item1, g.Key.Init, [.. g.OrderBy(x => x.pod.Ready).ThenByDescending(x => x.container.Restarts)]);

    private static bool Crashes(Container c, DateTimeOffset now) =>
        !OutOfMemory.Killed(c, now) && !(c.Init && c.State is { Kind: "terminated", ExitCode: 0 }) &&
        (c.State.Reason == "CrashLoopBackOff"
         || (!c.Ready && c.Restarts > 0 && c.State.Kind == "terminated")
         || (!c.Ready && c.Init && c.State.Kind == "terminated" && c.State.ExitCode != 0)
         || (c.Restarts >= 2 && now - c.Last.FinishedAt < Recent));

    private static Finding Describe(Snapshot s, WorkloadName workload, bool init, List<(Pod Pod, Container Container)> crashing)
    {
        var (pod, container) = crashing[0];
        var pods = crashing.Select(c => c.Pod).Distinct().ToArray();
        var end = container.State.Kind == "terminated" ? container.State : container.Last;
        var log = s.Log(pod, container.Name);
        var liveness = s.EventsOf("Pod", pod.Namespace, pod.Name).LastOrDefault(e => e.Reason == "Unhealthy" && e.Message.StartsWith("Liveness", StringComparison.Ordinal));
        var remedy = init ? null : Restarting.Remedy(s, pods);
        var how = liveness is not null ? "is killed by its liveness probe"
            : end.Message.Length > 0 ? $"cannot run ({end.Message})"
            : $"ends with exit code {end.ExitCode} soon after each start";
        var all = s.PodsOf(workload).Count(p => !p.Finished);
        return new()
        {
            Cause = init ? Cause.InitFailing : Cause.CrashLoop,
            Workload = workload,
            Pods = pods,
            Statement = init
                ? $"{workload} never starts: its init container {container.Name} fails (exit code {end.ExitCode}){Sentences.Quoted(log)}."
                : $"{workload} crashes in a loop ({Sentences.Pods(pods, all)}): container {container.Name} {how}{Sentences.Quoted(log)}.",
            // After a few rounds the last end says nothing about the first.
            Since = container.Restarts > 3 ? null : end.FinishedAt,
            Evidence =
            [
                new($"{(init ? "Init container" : "Container")} {container.Name} of {pod.Name}: {Sentences.Count(container.Restarts, "restart")}, {(container.State.Reason.Length > 0 ? container.State.Reason : container.State.Kind)}", "list_pods",
                    $"state={container.State.Kind} {container.State.Reason}; last exit: reason={end.Reason} exitCode={end.ExitCode} finishedAt={Sentences.Stamp(end.FinishedAt)}"),
                .. log is null ? Array.Empty<Evidence>() : [new Evidence($"Log of {pod.Name}, container {container.Name}", "get_pod_logs", log)],
                .. liveness is null ? Array.Empty<Evidence>() : [new Evidence("The liveness probe fails", "list_events", liveness.Message)],
            ],
            NextSteps =
            [
                log is null ? $"Read the log of {pod.Name}, container {container.Name}." : $"Mend what container {container.Name} says at its end (see the quoted log).",
                .. remedy is null ? [Restarting.WhyNot(s, pods)] : Array.Empty<string>(),
            ],
            Remedy = remedy,
        };
    }
}
