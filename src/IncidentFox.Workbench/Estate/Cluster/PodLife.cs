using System.Security.Cryptography;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>Where a pod is in its life on the node, one state after the other as a watch shows them.</summary>
internal enum PodStage
{
    Bound,
    Creating,
    PullFailed,
    PullBackOff,
    Running,
    Ending,
    Ended,
    Final,
}

/// <summary>What the kubelet knows of one pod, and its status as recorded.</summary>
internal sealed class PodLife(PodProgram program, string ip, ContainerLog log)
{
    private readonly string _containerId = $"containerd://{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}";

    public PodProgram Program => program;

    public ContainerLog Log => log;

    public string Ip => ip;

    public PodStage Stage { get; set; }

    /// <summary>When the next change is due by itself.</summary>
    public DateTimeOffset Due { get; set; }

    public DateTimeOffset? SeenAt { get; set; }

    public DateTimeOffset StartedAt { get; set; }

    public DateTimeOffset EndedAt { get; set; }

    /// <summary>When a process that was told to end is killed.</summary>
    public DateTimeOffset KillAt { get; set; }

    public IPodProcess? Process { get; set; }

    public PodExit? Exit { get; set; }

    /// <summary>Why the pod itself ended: DeadlineExceeded, Evicted.</summary>
    public (string Reason, string Message)? EndedBecause { get; set; }

    /// <summary>Its node is silent.</summary>
    public bool IsOutOfReach { get; set; }

    public string? Waiting { get; set; }

    public string? WaitingMessage { get; set; }

    public JsonObject Status(JsonObject pod, DateTimeOffset now)
    {
        var before = pod["status"] as JsonObject;
        var names = pod.Objects("spec", "containers").Select(c => c.Text("name") ?? "").ToList();
        var everStarted = Process is not null;
        var phase = Stage == PodStage.Final ? (EndedBecause is null && Exit is { Code: 0 } ? "Succeeded" : "Failed") : everStarted && Program.StartError is null ? "Running" : "Pending";
        var isReady = Stage == PodStage.Running;
        var isOver = Stage is PodStage.Ended or PodStage.Final or PodStage.Ending;
        var why = isReady ? null : !isOver ? "ContainersNotReady" : EndedBecause is null && Exit is { Code: 0 } ? "PodCompleted" : "PodFailed";
        var message = why == "ContainersNotReady" ? $"containers with unready status: [{string.Join(' ', names)}]" : null;
        var hasSandbox = everStarted && Stage != PodStage.Final || Waiting is not null;
        var status = new JsonObject { ["phase"] = phase };
        if (Stage == PodStage.Final && EndedBecause is { } reason)
        {
            status["reason"] = reason.Reason;
            status["message"] = reason.Message;
        }

        status["conditions"] = new JsonArray(
            Conditions.OfPod(before, "PodReadyToStartContainers", hasSandbox, reason: null, message: null, now),
            Conditions.OfPod(before, "Initialized", isTrue: true, why == "PodCompleted" ? why : null, message: null, now),
            Conditions.OfPod(before, "Ready", isReady && !IsOutOfReach, why, message, now),
            Conditions.OfPod(before, "ContainersReady", isReady, why, message, now),
            Conditions.OfPod(before, "PodScheduled", isTrue: true, reason: null, message: null, now));
        status["hostIP"] = ClusterSeed.NodeAddress;
        status["hostIPs"] = new JsonArray(new JsonObject { ["ip"] = ClusterSeed.NodeAddress });
        if (hasSandbox || everStarted)
        {
            status["podIP"] = ip;
            status["podIPs"] = new JsonArray(new JsonObject { ["ip"] = ip });
        }

        status["startTime"] = SeenAt!.Value.Rfc3339();
        status["containerStatuses"] = new JsonArray([.. pod.Objects("spec", "containers").Select(Container)]);
        status["qosClass"] = before.Text("qosClass");
        return status;
    }

    private JsonObject Container(JsonObject spec)
    {
        var image = spec.Text("image") ?? "";
        var status = new JsonObject
        {
            ["name"] = spec.Text("name"),
            ["state"] = State(),
            ["lastState"] = new JsonObject(),
            ["ready"] = Stage == PodStage.Running,
            ["restartCount"] = 0,
            ["image"] = image,
            ["imageID"] = Process is null ? "" : $"sha256:{Names.Digest(image)}",
        };
        if (Process is not null)
        {
            status["containerID"] = _containerId;
        }

        status["started"] = Stage is PodStage.Running or PodStage.Ending;
        if (Process is not null && spec["resources"] is JsonObject { Count: > 0 } resources)
        {
            status["allocatedResources"] = resources["requests"]?.DeepClone();
            status["resources"] = resources.DeepClone();
        }

        if (spec["volumeMounts"] is JsonArray { Count: > 0 } mounts)
        {
            status["volumeMounts"] = new JsonArray([.. mounts.OfType<JsonObject>().Select(Mount)]);
        }

        return status;
    }

    private JsonObject State()
    {
        if (Process is null)
        {
            var waiting = new JsonObject { ["reason"] = Waiting ?? "ContainerCreating" };
            if (WaitingMessage is not null)
            {
                waiting["message"] = WaitingMessage;
            }

            return new() { ["waiting"] = waiting };
        }

        return Exit is null || Stage is PodStage.Running or PodStage.Ending
            ? new() { ["running"] = new JsonObject { ["startedAt"] = StartedAt.Rfc3339() } }
            : new() { ["terminated"] = Ended(Exit) };
    }

    private JsonObject Ended(PodExit exit)
    {
        var ended = new JsonObject { ["exitCode"] = exit.Code, ["reason"] = exit.Reason ?? (exit.Code == 0 ? "Completed" : "Error") };
        if (Program.StartError is { } message)
        {
            ended["message"] = message;
        }

        ended["startedAt"] = (Program.StartError is null ? StartedAt : DateTimeOffset.UnixEpoch).Rfc3339();
        ended["finishedAt"] = EndedAt.Rfc3339();
        ended["containerID"] = _containerId;
        return ended;
    }

    private static JsonObject Mount(JsonObject mount)
    {
        var shown = new JsonObject { ["name"] = mount.Text("name"), ["mountPath"] = mount.Text("mountPath") };
        if (mount.Flag("readOnly"))
        {
            shown["readOnly"] = true;
            shown["recursiveReadOnly"] = "Disabled";
        }

        return shown;
    }
}
