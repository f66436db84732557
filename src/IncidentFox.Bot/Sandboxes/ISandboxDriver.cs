using IncidentFox.Core;

namespace IncidentFox.Bot.Sandboxes;

/// <summary>What one sandbox may use.</summary>
/// <param name="Duration">Running time; a suspended clock does not count.</param>
/// <param name="MemoryBytes">Memory of the agent and everything it starts, without the isolation's own needs.</param>
/// <param name="Processes">Processes and threads together.</param>
public sealed record SandboxLimits(TimeSpan Duration, long MemoryBytes, int Processes);

/// <summary>One sandbox to start. It carries no task and no secret.</summary>
public sealed record SandboxSpec(SandboxId Id, SandboxLimits Limits)
{
    /// <summary>Null: the agent serves an investigation. Else what it does instead, for the conformance suite: the acts of <c>incidentfox-agent conform</c>.</summary>
    public IReadOnlyList<string>? Acts { get; init; }
}

/// <summary>What became of a start.</summary>
public abstract record SandboxStart
{
    private SandboxStart()
    {
    }

    /// <summary>It runs, or has ended already: <see cref="ISandbox.Exited"/> says so.</summary>
    public sealed record Started(ISandbox Sandbox) : SandboxStart;

    /// <summary>It could not be started and nothing of it is left. The sentence says why and what to do.</summary>
    public sealed record Refused(string Code, string Sentence) : SandboxStart;
}

/// <summary>Starts sandboxes in one way. Every driver passes the same conformance tests.</summary>
public interface ISandboxDriver
{
    /// <summary><c>gvisor</c>, <c>bubblewrap</c>, <c>none</c> or <c>kubernetes</c>.</summary>
    string Name { get; }

    /// <summary>Opens the sandbox's door, then starts the agent in it.</summary>
    Task<SandboxStart> StartAsync(SandboxSpec spec, CancellationToken ct);

    /// <summary>
    /// Kills and removes every sandbox of this installation that no living process owns, and says which. Safe to run at any time, by several
    /// processes, as often as wanted.
    /// </summary>
    Task<IReadOnlyList<SandboxId>> ReapAsync(CancellationToken ct);

    /// <summary>Sandboxes run on when this process ends, and another process can take them over.</summary>
    bool SandboxesOutliveTheBot => false;

    /// <summary>Takes over a sandbox that another process started; <c>Limits.Duration</c> is what is left of its time. Null when there is none any more.</summary>
    Task<ISandbox?> AdoptAsync(SandboxSpec spec, CancellationToken ct) => Task.FromResult<ISandbox?>(null);
}

/// <summary>One running sandbox.</summary>
public interface ISandbox
{
    /// <summary>Whose it is.</summary>
    SandboxId Id { get; }

    /// <summary>Completes, and never fails, when the sandbox has ended and nothing of it is left: process, door, folder, limit.</summary>
    Task<SandboxExit> Exited { get; }

    /// <summary>Kills it at once and waits until nothing is left. Stopping twice is harmless.</summary>
    Task StopAsync(CancellationToken ct);

    /// <summary>Stops counting running time while a person decides. Calls nest.</summary>
    void SuspendClock();

    /// <summary>Undoes one <see cref="SuspendClock"/>; without one it does nothing.</summary>
    void ResumeClock();
}

/// <summary>How a sandbox ended.</summary>
public enum SandboxExitKind
{
    /// <summary>The agent ended by itself, with exit code 0.</summary>
    Finished,

    /// <summary>Its running time was used up.</summary>
    TimedOut,

    /// <summary>It needed more memory than it may have.</summary>
    OutOfMemory,

    /// <summary>Somebody stopped it.</summary>
    Stopped,

    /// <summary>The agent, or the isolation around it, failed.</summary>
    Crashed,
}

/// <summary>The end of a sandbox.</summary>
/// <param name="Kind">How it ended.</param>
/// <param name="ExitCode">The exit code, where the sandbox ended by itself; 128 and more is a signal.</param>
/// <param name="LogTail">The end of what it printed: bounded, without control characters, and not to be trusted.</param>
/// <param name="Fault">Where it was not the agent's doing: why, and what to do.</param>
public sealed record SandboxExit(SandboxExitKind Kind, int? ExitCode, string LogTail, SandboxFault? Fault = null);
