using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>Images that cannot be had.</summary>
internal static class ImagePull
{
    private static readonly string[] Reasons = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable"];

    public static IEnumerable<Finding> Find(Snapshot s) =>
        from pod in s.Pods
        where !pod.Terminating
        from container in pod.Containers
        where Reasons.Contains(container.State.Reason, StringComparer.Ordinal)
        group (pod, container) by new WorkloadName(pod.Namespace, pod.Workload) into g
        select Describe(s, g.Key, [.. g]);

    private static Finding Describe(Snapshot s, WorkloadName workload, List<(Pod Pod, Container Container)> stuck)
    {
        var (pod, container) = stuck[0];
        var pods = stuck.Select(x => x.Pod).Distinct().ToArray();
        var pull = s.EventsOf("Pod", pod.Namespace, pod.Name).LastOrDefault(e => e.Reason == "Failed" && e.Message.Contains("pull", StringComparison.OrdinalIgnoreCase) && e.Message.Contains(container.Image, StringComparison.Ordinal));
        return new()
        {
            Cause = Cause.ImagePull,
            Workload = workload,
            Pods = pods,
            Statement = $"The image {container.Image} of {workload} can't be pulled ({container.State.Reason}), so {Sentences.Pods(pods, s.PodsOf(workload).Count(p => !p.Finished))} of it can't start.",
            Since = pod.Created,
            Evidence =
            [
                new($"Container {container.Name} of {pod.Name} waits: {container.State.Reason}", "list_pods", container.State.Message.Length > 0 ? container.State.Message : container.Image),
                .. pull is null ? Array.Empty<Evidence>() : [new Evidence("The kubelet could not pull the image", "list_events", pull.Message)],
            ],
            NextSteps =
            [
                $"Correct the image name or tag of {workload} ({container.Image}), or see to it that the registry has it and answers.",
                "A restart would not help: a new pod pulls the same image.",
            ],
        };
    }
}
