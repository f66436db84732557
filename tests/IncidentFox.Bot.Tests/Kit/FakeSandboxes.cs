using System.Collections.Concurrent;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core;

namespace IncidentFox.Bot.Tests.Kit;

/// <summary>A driver whose sandboxes do nothing until the test says how they end.</summary>
internal sealed class FakeSandboxes : ISandboxDriver
{
    public string Name => "fake";

    public ConcurrentQueue<FakeSandbox> Started { get; } = new();

    public SandboxStart.Refused? Refusal { get; set; }

    public Exception? Breaks { get; set; }

    public int Reaps { get; private set; }

    public bool SandboxesOutliveTheBot { get; set; }

    public ConcurrentQueue<SandboxSpec> Adopted { get; } = new();

    public Task<ISandbox?> AdoptAsync(SandboxSpec spec, CancellationToken ct)
    {
        Adopted.Enqueue(spec);
        return Task.FromResult<ISandbox?>(Started.FirstOrDefault(s => s.Id == spec.Id && !s.Exited.IsCompleted));
    }

    public Task<SandboxStart> StartAsync(SandboxSpec spec, CancellationToken ct)
    {
        if (Breaks is { } bug)
            throw bug;
        if (Refusal is { } refusal)
            return Task.FromResult<SandboxStart>(refusal);
        var sandbox = new FakeSandbox(spec);
        Started.Enqueue(sandbox);
        return Task.FromResult<SandboxStart>(new SandboxStart.Started(sandbox));
    }

    public Task<IReadOnlyList<SandboxId>> ReapAsync(CancellationToken ct)
    {
        Reaps++;
        return Task.FromResult<IReadOnlyList<SandboxId>>([]);
    }
}

internal sealed class FakeSandbox(SandboxSpec spec) : ISandbox
{
    private readonly TaskCompletionSource<SandboxExit> _exit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _suspended;

    public SandboxSpec Spec { get; } = spec;

    public SandboxId Id => Spec.Id;

    public Task<SandboxExit> Exited => _exit.Task;

    public bool ClockSuspended => Volatile.Read(ref _suspended) > 0;

    public int Stops { get; private set; }

    public Task StopAsync(CancellationToken ct)
    {
        Stops++;
        End(SandboxExitKind.Stopped);
        return Task.CompletedTask;
    }

    public void SuspendClock() => Interlocked.Increment(ref _suspended);

    public void ResumeClock() => Interlocked.Decrement(ref _suspended);

    public void End(SandboxExitKind kind, int? code = null, string log = "", SandboxFault? fault = null) => _exit.TrySetResult(new SandboxExit(kind, code, log, fault));
}
