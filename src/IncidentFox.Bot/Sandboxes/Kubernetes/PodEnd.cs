using k8s.Models;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>What a pod's status says of its sandbox.</summary>
internal abstract record PodReading
{
    private PodReading()
    {
    }

    /// <summary>Not running yet. The fault is what will be said if that lasts too long.</summary>
    public sealed record Starting(SandboxFault IfItLasts) : PodReading;

    /// <summary>The agent runs.</summary>
    public sealed record Running : PodReading;

    /// <summary>Its node says nothing more of it, or does not end it although it was deleted: lost, if that lasts.</summary>
    public sealed record Silent : PodReading;

    /// <summary>It will never run: waiting is of no use.</summary>
    public sealed record Hopeless(SandboxFault Fault) : PodReading;

    /// <summary>It has ended.</summary>
    public sealed record Ended(SandboxExitKind Kind, int? ExitCode, SandboxFault? Fault) : PodReading;

    /// <summary>Pure and total. Reasons are matched, never exit codes: they differ between runtimes (gVisor reports 128 for a kill for memory, runc 137).</summary>
    public static PodReading Of(V1Pod pod)
    {
        var container = pod.Status?.ContainerStatuses?.FirstOrDefault();
        var ended = container?.State?.Terminated;
        if (pod.Status?.Phase is "Succeeded" or "Failed")
        {
            return pod.Status.Reason switch
            {
                "DeadlineExceeded" => new Ended(SandboxExitKind.TimedOut, null, null),
                "Evicted" => new Ended(SandboxExitKind.Crashed, ended?.ExitCode, SandboxFault.Evicted(pod.Status.Message)),
                null when IsCondition(pod, "DisruptionTarget", "True") && ended?.Reason != "OOMKilled" => // it may have ended well on TERM
                    new Ended(SandboxExitKind.Crashed, ended?.ExitCode, SandboxFault.Evicted(pod.Status.Conditions.First(c => c.Type == "DisruptionTarget").Message)),
                "NodeLost" or "NodeShutdown" or "Terminated" or "Preempting" => new Ended(SandboxExitKind.Crashed, ended?.ExitCode, SandboxFault.NodeLost),
                _ => Ending(pod.Status.Phase, ended),
            };
        }

        if (pod.Metadata?.DeletionTimestamp is not null)
        {
            return new Silent();
        }

        if (container?.State?.Running is not null)
        {
            // The cluster takes a pod's readiness away when its node is silent, and leaves its containers' as they were last said to be.
            if (IsCondition(pod, "Ready", "False") && IsCondition(pod, "ContainersReady", "True"))
            {
                return new Silent();
            }

            return new Running();
        }

        var waiting = container?.State?.Waiting;
        return waiting?.Reason switch
        {
            // ErrImagePull alone may be one failed try; the back-off comes after it.
            "ImagePullBackOff" or "InvalidImageName" or "ErrImageNeverPull" => new Hopeless(SandboxFault.Image(waiting.Message)),
            "CreateContainerConfigError" or "CreateContainerError" or "RunContainerError" => new Hopeless(SandboxFault.Misconfigured(waiting.Message)),
            _ when ended is not null => new Running(), // the phase that says how follows
            _ when pod.Status?.Conditions?.FirstOrDefault(c => c.Type == "PodScheduled") is { Status: "False" } condition =>
                new Starting(SandboxFault.Unschedulable(condition.Message)),
            "ErrImagePull" => new Starting(SandboxFault.Image(waiting.Message)),
            _ => new Starting(SandboxFault.SlowStart),
        };
    }

    private static bool IsCondition(V1Pod pod, string type, string status) => pod.Status?.Conditions?.Any(c => c.Type == type && c.Status == status) is true;

    private static Ended Ending(string phase, V1ContainerStateTerminated? ended) => ended?.Reason switch
    {
        "OOMKilled" => new Ended(SandboxExitKind.OutOfMemory, ended.ExitCode, null),
        "StartError" or "ContainerCannotRun" => new Ended(SandboxExitKind.Crashed, ended.ExitCode, SandboxFault.Misconfigured(ended.Message)),
        "ContainerStatusUnknown" => new Ended(SandboxExitKind.Crashed, ended.ExitCode, SandboxFault.NodeLost),
        _ when ended is null && phase == "Failed" => new Ended(SandboxExitKind.Crashed, null, SandboxFault.NodeLost),
        _ => new Ended(ended?.ExitCode is null or 0 ? SandboxExitKind.Finished : SandboxExitKind.Crashed, ended?.ExitCode, SandboxFault.OfAgent(ended?.ExitCode)),
    };
}
