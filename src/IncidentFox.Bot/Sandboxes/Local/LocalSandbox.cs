using System.ComponentModel;
using System.Diagnostics;
using IncidentFox.Core;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>A running sandbox: waits for its end, or brings it about, then removes what is left and says how it ended.</summary>
internal sealed class LocalSandbox : ISandbox
{
    private readonly Process process;
    private readonly SandboxCgroup? cgroup;
    private readonly SandboxClock clock;
    private readonly SandboxRemains remains;
    private readonly ILogger logger;
    private readonly LogTail log = new();
    private readonly TaskCompletionSource stop = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LocalSandbox(SandboxSpec spec, Process process, SandboxCgroup? cgroup, SandboxRemains remains, TimeProvider time, ILogger logger)
    {
        Id = spec.Id;
        this.process = process;
        this.cgroup = cgroup;
        this.remains = remains;
        this.logger = logger;
        clock = new(spec.Limits.Duration, time);
        Exited = Task.Run(SuperviseAsync, CancellationToken.None);
    }

    public SandboxId Id { get; }

    public Task<SandboxExit> Exited { get; }

    public Task StopAsync(CancellationToken ct)
    {
        stop.TrySetResult();
        return Exited.WaitAsync(ct);
    }

    public void SuspendClock() => clock.Suspend();

    public void ResumeClock() => clock.Resume();

    private async Task<SandboxExit> SuperviseAsync()
    {
        var drained = Task.WhenAll(log.DrainAsync(process.StandardOutput.BaseStream), log.DrainAsync(process.StandardError.BaseStream));
        var ended = process.WaitForExitAsync(CancellationToken.None);
        await Task.WhenAny(ended, clock.Due, stop.Task);

        // What came first counts, and an agent that ended by itself was not stopped.
        var kind = ended.IsCompleted ? (SandboxExitKind?)null : stop.Task.IsCompleted ? SandboxExitKind.Stopped : SandboxExitKind.TimedOut;
        clock.Dispose();

        // No polite signal first: the agent keeps nothing that would need saving, and a hostile one would ignore it.
        Kill();
        await ended;
        var outOfMemory = cgroup?.RanOutOfMemory is true;
        await RemoveAsync();

        await Task.WhenAny(drained, Task.Delay(TimeSpan.FromSeconds(2), CancellationToken.None)); // everyone who could hold the pipe is dead
        var exitCode = process.ExitCode;
        process.Dispose();
        return new(
            kind ?? (outOfMemory ? SandboxExitKind.OutOfMemory : exitCode == 0 ? SandboxExitKind.Finished : SandboxExitKind.Crashed),
            kind is null ? exitCode : null,
            log.ToString());
    }

    private void Kill()
    {
        try
        {
            process.Kill(entireProcessTree: cgroup is null); // a cgroup finds the rest, and faster
        }
        catch (Exception failure) when (failure is InvalidOperationException or Win32Exception or AggregateException)
        {
            logger.LogDebug(failure, "Sandbox {Sandbox} had ended before it was killed", Id); // what is left goes with the cgroup
        }
    }

    // Whatever goes wrong here, the end of the sandbox is reported, and the record makes sure that the rest is done at the next start.
    private async Task RemoveAsync()
    {
        Exception? failure = null;
        try
        {
            if (await remains.RemoveAsync())
            {
                return;
            }
        }
        catch (Exception thrown)
        {
            failure = thrown;
        }

        logger.LogError(failure, "Sandbox {Sandbox} ended, but something of it could not be removed; it is tried again when the bot starts", Id);
    }
}
