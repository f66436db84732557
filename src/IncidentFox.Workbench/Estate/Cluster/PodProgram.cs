using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>What a pod does once it is there, as a test says. A pod that is restarted (policy not Never) runs until it is deleted where its program would exit: restarts are not played.</summary>
public sealed record PodProgram
{
    /// <summary>The exit code of a program that ends on TERM without more ado.</summary>
    public const int Terminated = 143;

    private PodProgram()
    {
    }

    /// <summary>Runs until it is deleted, evicted or over its deadline.</summary>
    public static PodProgram RunsUntilDeleted { get; } = new();

    /// <summary>The image is not there: ErrImagePull and ImagePullBackOff in turns.</summary>
    public static PodProgram ImageCannotBePulled { get; } = new() { HasNoImage = true };

    internal TimeSpan? EndsAfter { get; private init; }

    internal PodExit End { get; private init; } = new(0);

    internal string? EvictedBecause { get; private init; }

    internal string? UnschedulableBecause { get; private init; }

    internal (string Reason, string Message)? HeldUpBy { get; private init; }

    internal bool HasNoImage { get; private init; }

    /// <summary>The reason its container waits for, why, and the events that say so.</summary>
    internal (string Reason, string Message, (string Type, string Reason, string Message)[] Events)? WaitsFor { get; private init; }

    internal string? StartError { get; private init; }

    internal bool EndsByItself => StartError is not null || Process is not null || (EndsAfter is not null && EvictedBecause is null);

    internal Func<PodStart, IPodProcess>? Process { get; private init; }

    internal string[] Log { get; private init; } = [];

    public static PodProgram Exits(int code, TimeSpan after, params string[] log) => new() { EndsAfter = after, End = new(code), Log = log };

    /// <summary>Killed for memory: exit code 128 under gVisor, 137 else; the reason is the same.</summary>
    public static PodProgram RunsOutOfMemory(TimeSpan after) => new() { EndsAfter = after, End = new(137, "OOMKilled") };

    /// <param name="after">From its start.</param>
    /// <param name="because">The pod's status.message, as `Usage of EmptyDir volume "tmp" exceeds the limit "16Mi". `</param>
    public static PodProgram IsEvicted(TimeSpan after, string because) => new() { EndsAfter = after, EvictedBecause = because };

    /// <param name="because">As `1 Insufficient cpu.`: what the scheduler says of the node.</param>
    public static PodProgram IsUnschedulable(string because) => new() { UnschedulableBecause = because };

    /// <summary>Stays ContainerCreating, with a warning event: `FailedMount`, `FailedCreatePodSandBox`.</summary>
    public static PodProgram NeverStarts(string reason, string message) => new() { HeldUpBy = (reason, message) };

    public static PodProgram HasInvalidImageName(string message) => new()
    {
        WaitsFor = ("InvalidImageName", message, [("Warning", "InspectFailed", message), ("Warning", "Failed", "Error: InvalidImageName")]),
    };

    /// <summary>`imagePullPolicy: Never` and no image.</summary>
    public static PodProgram ImageIsNeverPulled(string image)
    {
        var message = $"Container image \"{image}\" is not present with pull policy of Never";
        return new() { WaitsFor = ("ErrImageNeverPull", message, [("Warning", "ErrImageNeverPull", message), ("Warning", "Failed", "Error: ErrImageNeverPull")]) };
    }

    /// <summary>CreateContainerConfigError: a ConfigMap or Secret that is not there, an image that runs as root.</summary>
    public static PodProgram IsMisconfigured(string image, string message) => new()
    {
        WaitsFor = ("CreateContainerConfigError", message, [("Normal", "Pulled", $"Container image \"{image}\" already present on machine"), ("Warning", "Failed", $"Error: {message}")]),
    };

    /// <summary>The command does not exist, or the runtime refuses it: StartError, exit code 128.</summary>
    public static PodProgram FailsToStart(string message) => new() { StartError = message };

    /// <summary>Something that really runs.</summary>
    public static PodProgram Runs(Func<PodStart, IPodProcess> start) => new() { Process = start };
}

/// <summary>A pod that starts, as its program sees it.</summary>
/// <param name="Pod">The object, as stored.</param>
/// <param name="Write">Adds a line to the log of its first container.</param>
public sealed record PodStart(string Namespace, string Name, string Uid, string Ip, JsonObject Pod, Action<string> Write);

/// <summary>One run of a pod's container, outside the double.</summary>
public interface IPodProcess
{
    /// <summary>How it ended, or null while it runs. Asked often; must not wait.</summary>
    PodExit? Poll();

    /// <summary>TERM: it should end soon, and is taken for killed when its grace period is over.</summary>
    void Stop();

    /// <summary>The grace period is over, or the pod was removed by force.</summary>
    void Kill();
}

/// <param name="Reason">Null for `Completed` or `Error`, by the code.</param>
public sealed record PodExit(int Code, string? Reason = null);

/// <summary>A program that only ends when its script says so.</summary>
internal sealed class ScriptedProcess(PodProgram program, DateTimeOffset started, TimeProvider clock) : IPodProcess
{
    private bool _stopped;

    public PodExit? Poll() => _stopped ? new(PodProgram.Terminated)
        : program.EndsAfter is { } after && program.EvictedBecause is null && clock.GetUtcNow() - started >= after ? program.End : null;

    public void Stop() => _stopped = true;

    public void Kill() => _stopped = true;
}
