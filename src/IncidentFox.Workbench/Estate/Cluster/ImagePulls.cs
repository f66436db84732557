using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>Containers that wait: for an image that does not come, tried again and again, or for something that never will.</summary>
internal sealed class ImagePulls(EventRecorder events, NodeTiming timing)
{
    public void Fail(JsonObject pod, PodLife life, DateTimeOffset now)
    {
        var container = pod.Objects("spec", "containers").First();
        var (name, image) = (container.Text("name") ?? "", container.Text("image") ?? "");
        events.Kubelet(pod, name, "Normal", "Pulling", $"Pulling image \"{image}\"");
        events.Kubelet(pod, name, "Warning", "Failed", $"Failed to pull image \"{image}\": {PullError(image)}");
        events.Kubelet(pod, name, "Warning", "Failed", "Error: ErrImagePull");
        Wait(life, PodStage.PullFailed, "ErrImagePull", PullError(image), now);
    }

    public void BackOff(JsonObject pod, PodLife life, DateTimeOffset now)
    {
        var container = pod.Objects("spec", "containers").First();
        var (name, image) = (container.Text("name") ?? "", container.Text("image") ?? "");
        events.Kubelet(pod, name, "Normal", "BackOff", $"Back-off pulling image \"{image}\"");
        events.Kubelet(pod, name, "Warning", "Failed", "Error: ImagePullBackOff");
        Wait(life, PodStage.PullBackOff, "ImagePullBackOff", $"Back-off pulling image \"{image}\": ErrImagePull: {PullError(image)}", now);
    }

    /// <summary>Waits for good, for a reason that its events say.</summary>
    public void HoldUp(JsonObject pod, PodLife life, string reason, string message, (string Type, string Reason, string Message)[] because)
    {
        foreach (var e in because)
        {
            events.Kubelet(pod, pod.Objects("spec", "containers").First().Text("name") ?? "", e.Type, e.Reason, e.Message);
        }

        (life.Stage, life.Waiting, life.WaitingMessage, life.Due) = (PodStage.PullBackOff, reason, message, DateTimeOffset.MaxValue);
    }

    private void Wait(PodLife life, PodStage stage, string reason, string message, DateTimeOffset now) =>
        (life.Stage, life.Waiting, life.WaitingMessage, life.Due) = (stage, reason, message, now + timing.PullBackOff);

    private static string PullError(string image) => $"failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found";
}
