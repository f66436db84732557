using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>Pods that run and do not become, or stay, ready; what a crash, a pull or a node explains is left to those.</summary>
internal static class NotReady
{
    private static readonly TimeSpan JustNow = TimeSpan.FromSeconds(60);

    public static IEnumerable<Finding> Find(Snapshot s)
    {
        var down = s.Nodes.Where(n => n.NotReady).Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
        return
            from pod in s.Pods
            where pod is { Phase: "Running", Terminating: false } && !down.Contains(pod.Node) && (!pod.Ready || Flaps(s, pod))
            let container = pod.Containers.FirstOrDefault(c => c is { Init: false, State.Kind: "running" } && c.Ready == pod.Ready)
            where container is not null && !OutOfMemory.Killed(container, s.Now)
            group (pod, container) by new WorkloadName(pod.Namespace, pod.Workload) into g
            select Describe(s, g.Key, [.. g]);
    }

    // Ready at this moment, but its readiness probe kept failing until just now.
    private static bool Flaps(Snapshot s, Pod pod) =>
        s.EventsOf("Pod", pod.Namespace, pod.Name).Any(e => e is { Reason: "Unhealthy", Count: >= 5 } && e.Message.StartsWith("Readiness", StringComparison.Ordinal) && s.Now - e.At < JustNow);

    private static Finding Describe(Snapshot s, WorkloadName workload, List<(Pod Pod, Container Container)> stuck)
    {
        var (pod, container) = stuck[0];
        var pods = stuck.Select(x => x.Pod).ToArray();
        var probe = s.EventsOf("Pod", pod.Namespace, pod.Name).LastOrDefault(e => e.Reason == "Unhealthy");
        var log = s.Log(pod, container.Name);
        var remedy = Restarting.Remedy(s, pods);
        var wasReady = pod.NotReadySince - (container.State.StartedAt ?? pod.Created) > TimeSpan.FromSeconds(20);
        return new()
        {
            Cause = Cause.NotReady,
            Workload = workload,
            Pods = pods,
            Statement = $"{Sentences.Capital(Sentences.Pods(pods, s.PodsOf(workload).Count(p => !p.Finished)))} of {workload} run{(pods.Length == 1 ? "s" : "")} but {(pod.Ready ? $"{(pods.Length == 1 ? "loses" : "lose")} readiness again and again" : wasReady ? $"{(pods.Length == 1 ? "is" : "are")} not ready any more" : "never became ready")} ({pod.Name}{(pods.Length > 1 ? ", ..." : "")}){(probe is null ? "" : $": {probe.Message}")}{(log is null ? "" : $"; its log says{Sentences.Quoted(log)}")}.",
            Since = pod.NotReadySince,
            Evidence =
            [
                new($"{pod.Name} is running and {(pod.Ready ? "flaps between Ready and not" : "not Ready")}{Sentences.Since(pod.NotReadySince)}, {Sentences.Count(container.Restarts, "restart")}", "list_pods", $"phase={pod.Phase} ready={pod.Ready} restartCount={container.Restarts}"),
                .. probe is null ? Array.Empty<Evidence>() : [new Evidence($"A probe of {pod.Name} fails ({probe.Count} times)", "list_events", probe.Message)],
                .. log is null ? Array.Empty<Evidence>() : [new Evidence($"Log of {pod.Name}", "get_pod_logs", log)],
            ],
            NextSteps =
            [
                .. remedy is null ? [Restarting.WhyNot(s, pods), $"Compare the readiness probe of {workload} with what its program serves."] : new[] { $"If {pod.Name}'s successor ends the same way, look at what its log names." },
            ],
            Remedy = remedy,
        };
    }
}
