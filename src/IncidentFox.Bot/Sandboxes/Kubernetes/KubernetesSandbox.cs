using IncidentFox.Bot.Sandboxes.Local;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using k8s.Autorest;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>What all sandboxes of a driver share.</summary>
internal sealed record PodWorld(
    KubernetesSandboxOptions Options, PodApi Api, PodWatch Watch, PodRemoval Removal, ISandboxPods Pods, TimeProvider Time, ILogger Logger, CancellationToken LetGo);

/// <summary>A sandbox's pod: follows it to its end, or brings that about, then removes it and says how it ended. When the bot ends, it is let go and runs on.</summary>
internal sealed class KubernetesSandbox : ISandbox
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(2);

    /// <summary>How long a node may say nothing before its sandbox is given up. The cluster itself has waited about 45 s by then.</summary>
    internal static readonly TimeSpan NodeReturnsWithin = TimeSpan.FromSeconds(30);

    private readonly PodWorld _world;
    private readonly string _name;
    private readonly string _uid;
    private readonly bool _keepsLog;
    private readonly SandboxClock _clock;
    private readonly SemaphoreSlim _changed = new(1, 1);
    private readonly TaskCompletionSource _stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<SandboxExit> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _since;
    private long? _runningSince;
    private long? _silentSince;
    private bool _caged;

    public KubernetesSandbox(SandboxSpec spec, string name, string uid, PodWorld world)
    {
        Id = spec.Id;
        (_name, _uid, _world, _keepsLog) = (name, uid, world, spec.Acts is not null);
        _since = world.Time.GetTimestamp();
        _clock = new(spec.Limits.Duration, world.Time);
        _clock.Suspend(); // until it runs
        _ = Task.Run(SuperviseAsync, CancellationToken.None);
    }

    public SandboxId Id { get; }

    public Task<SandboxExit> Exited => _exited.Task;

    public Task StopAsync(CancellationToken ct)
    {
        _stop.TrySetResult();
        return Exited.WaitAsync(ct);
    }

    public void SuspendClock() => _clock.Suspend();

    public void ResumeClock() => _clock.Resume();

    private async Task SuperviseAsync()
    {
        try
        {
            var exit = await FollowAsync();
            if (_keepsLog || exit.Kind is SandboxExitKind.Crashed or SandboxExitKind.OutOfMemory)
            {
                exit = exit with { LogTail = await ReadLogAsync() };
            }

            await RemoveAsync();
            _exited.TrySetResult(exit);
        }
        catch (OperationCanceledException) when (_world.LetGo.IsCancellationRequested)
        {
            _world.Logger.LogInformation("Sandbox {Sandbox} runs on in pod {Pod}; the next bot takes it over", Id, _name);
        }
        catch (Exception failure)
        {
            _world.Logger.LogError(failure, "Following sandbox {Sandbox} failed; the reconciler removes its pod", Id);
            _exited.TrySetResult(new(SandboxExitKind.Crashed, null, ""));
        }
        finally
        {
            _clock.Dispose();
        }
    }

    private async Task<SandboxExit> FollowAsync()
    {
        using var subscription = _world.Watch.Subscribe(_uid, Poke);
        while (true)
        {
            _world.LetGo.ThrowIfCancellationRequested();
            if (_stop.Task.IsCompleted)
            {
                return new(SandboxExitKind.Stopped, null, "");
            }

            if (_clock.Due.IsCompleted)
            {
                return new(SandboxExitKind.TimedOut, null, "");
            }

            try
            {
                if (await LookAsync() is { } exit)
                {
                    return exit;
                }
            }
            catch (Exception passing) when (PodApi.IsPassing(passing) || passing is HttpOperationException or Npgsql.NpgsqlException)
            {
                _world.Logger.LogDebug(passing, "Sandbox {Sandbox} could not be looked at", Id);
            }

            await WaitAsync();
        }
    }

    private async Task<SandboxExit?> LookAsync()
    {
        if (await PodAsync() is not { } pod)
        {
            return new(SandboxExitKind.Crashed, null, "", SandboxFault.Removed);
        }

        var reading = PodReading.Of(pod);
        var exit = await JudgeAsync(reading);
        if (exit is null || reading is PodReading.Ended or PodReading.Hopeless)
        {
            return exit;
        }

        // Its time is over by what the watch shows, which may be old: it is judged as it is now, or not yet when the API does not say.
        return await FreshAsync() is { } now ? await JudgeAsync(PodReading.Of(now)) : new(SandboxExitKind.Crashed, null, "", SandboxFault.Removed);
    }

    private async Task<SandboxExit?> JudgeAsync(PodReading reading)
    {
        _silentSince = reading is PodReading.Silent ? _silentSince ?? _world.Time.GetTimestamp() : null;
        switch (reading)
        {
            case PodReading.Ended ended:
                return new(ended.Kind, ended.ExitCode, "", ended.Fault);
            case PodReading.Hopeless hopeless:
                return new(SandboxExitKind.Crashed, null, "", hopeless.Fault);
            case PodReading.Starting starting when _world.Time.GetElapsedTime(_since) >= _world.Options.StartWithin:
                return new(SandboxExitKind.Crashed, null, "", starting.IfItLasts);
            case PodReading.Silent when _world.Time.GetElapsedTime(_silentSince!.Value) >= NodeReturnsWithin:
                return new(SandboxExitKind.Crashed, null, "", SandboxFault.NodeLost);
            case PodReading.Running:
                return await IsLateWithItsCageAsync() ? new(SandboxExitKind.Crashed, null, "", SandboxFault.NotCaged) : null;
            default:
                return null;
        }
    }

    // A pod that the watch does not show yet, or no more, is asked for: only the API says that it is gone.
    private async Task<V1Pod?> PodAsync() => _world.Watch.Find(_uid) ?? await FreshAsync();

    private async Task<V1Pod?> FreshAsync() => await _world.Api.FindAsync(_name, _world.LetGo) is { } pod && pod.Metadata.Uid == _uid ? pod : null;

    private async Task<bool> IsLateWithItsCageAsync()
    {
        if (_runningSince is null)
        {
            _runningSince = _world.Time.GetTimestamp();
            _clock.Resume();
        }

        if (!_caged)
        {
            // Asked before the time is looked at: what was said in time counts.
            var late = _world.Time.GetElapsedTime(_runningSince.Value) >= _world.Options.CageWithin;
            _caged = await _world.Pods.IsCagedAsync(_uid, _world.LetGo);
            return late && !_caged;
        }

        return false;
    }

    private async Task WaitAsync()
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(_world.LetGo);
        await Task.WhenAny(_changed.WaitAsync(waiting.Token), _stop.Task, _clock.Due, Task.Delay(LookAgain, _world.Time, waiting.Token));
        await waiting.CancelAsync();
    }

    private void Poke()
    {
        if (_changed.CurrentCount == 0)
        {
            try
            {
                _changed.Release();
            }
            catch (SemaphoreFullException)
            {
                // Two at once: one is enough.
            }
        }
    }

    private async Task<string> ReadLogAsync()
    {
        var tail = new LogTail();
        try
        {
            await using var log = await _world.Api.LogAsync(_name, _world.LetGo);
            using var limit = new CancellationTokenSource(PodApi.CallLimit, _world.Time);
            await tail.DrainAsync(log).WaitAsync(limit.Token);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !_world.LetGo.IsCancellationRequested)
        {
            _world.Logger.LogDebug(failure, "The log of sandbox {Sandbox} could not be read", Id);
        }

        return tail.ToString();
    }

    private async Task RemoveAsync()
    {
        // First nobody is let in with its token any more, then it is deleted.
        try
        {
            await _world.Pods.GoneAsync(_uid, unclaimedOnly: false, _world.LetGo);
        }
        catch (Exception failure) when (failure is Npgsql.NpgsqlException or TimeoutException)
        {
            _world.Logger.LogWarning("The end of pod {Pod} could not be written ({Reason}); the reconciler does it", _name, failure.Message);
        }

        await _world.Removal.RemoveAsync(_name, _uid, _world.LetGo);
    }
}
