using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>Pods that refer to a Secret, ConfigMap or key that is not there, in an environment variable or a volume.</summary>
internal static class MissingConfiguration
{
    public static IEnumerable<Finding> Find(Snapshot s) =>
        from pod in s.Pods
        where pod is { Finished: false, Terminating: false }
        let problem = Problem(s, pod)
        where problem is not null
        group (pod, problem) by new WorkloadName(pod.Namespace, pod.Workload) into g
        select Describe(s, g.Key, [.. g]);

    private static Evidence? Problem(Snapshot s, Pod pod)
    {
        if (pod.Containers.FirstOrDefault(c => c.State.Reason is "CreateContainerConfigError" or "CreateContainerError") is { } container)
            return new($"Container {container.Name} of {pod.Name} waits: {container.State.Reason}", "list_pods", container.State.Message);
        return !pod.Ready && s.EventsOf("Pod", pod.Namespace, pod.Name).LastOrDefault(e => e.Reason == "FailedMount" && e.Message.Contains("not found", StringComparison.Ordinal)) is { } mount
            ? new($"A volume of {pod.Name} can't be mounted (FailedMount)", "list_events", mount.Message)
            : null;
    }

    private static Finding Describe(Snapshot s, WorkloadName workload, List<(Pod Pod, Evidence? Problem)> stuck)
    {
        var pods = stuck.Select(x => x.Pod).ToArray();
        var seen = stuck[0].Problem!;
        return new()
        {
            Cause = Cause.MissingConfiguration,
            Workload = workload,
            Pods = pods,
            Statement = $"{Sentences.Capital(Sentences.Pods(pods, s.PodsOf(workload).Count(p => !p.Finished)))} of {workload} can't start because of the configuration: {seen.Excerpt}.",
            Since = pods[0].Created,
            Evidence = [seen],
            NextSteps =
            [
                $"Create what is missing in namespace {workload.Namespace}, or correct the reference in {workload}: {seen.Excerpt}.",
                "A restart would not help: a new pod has the same reference.",
            ],
        };
    }
}
