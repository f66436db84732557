using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Bot.Tests.Sandboxes.Kubernetes.Chaos;

/// <summary>
/// The agent in one pod, and the gateway's door for it: the gateway's own stores and database role decide whom it lets in. Writes down what it was given and
/// how it ended.
/// </summary>
internal sealed class ChaosAgent : IPodProcess
{
    private readonly PodChaosWorld _world;
    private readonly PodScript _script;
    private readonly int _work;
    private readonly PodChaosPlan _plan;
    private volatile PodExit? _exit;
    private int _worked;

    public ChaosAgent(PodChaosWorld world, string uid, PodScript script, int work)
    {
        (_world, Uid, _script, _work, _plan) = (world, uid, script, work, world.Plan);
        _ = System.Threading.Tasks.Task.Run(RunAsync);
    }

    public string Uid { get; }

    /// <summary>The investigation whose task it was given.</summary>
    public InvestigationId? Task { get; private set; }

    public bool HasReported { get; private set; }

    /// <summary>Its end, or its pod's, is part of the plan.</summary>
    public bool IsMeantToEnd { get; set; }

    /// <summary>A bot was killed while it was at work.</summary>
    public bool HasSeenKill { get; set; }

    /// <summary>It had a task, nothing was wrong with it, and it was ended all the same.</summary>
    public bool WasCutShort { get; private set; }

    public bool HasEnded => _exit is not null;

    public bool IsAtWork => Task is not null && !HasReported && _exit is null;

    public PodExit? Poll() => _exit;

    public void Stop() => End();

    public void Kill() => End();

    private void End()
    {
        if (_exit is not null)
            return;
        WasCutShort |= IsAtWork && !IsMeantToEnd;
        _exit = new(PodProgram.Terminated);
    }

    private async Task RunAsync()
    {
        while (_exit is null)
        {
            await System.Threading.Tasks.Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
            using (_world.Busy())
            {
                if (_exit is null)
                    await TickAsync();
            }
        }
    }

    private async Task TickAsync()
    {
        if (await _world.GatewayPods.FindAsync(Uid, default) is not { } pod)
            return;
        if (pod.CagedAt is null && !await _world.GatewayPods.CagedAsync(Uid, default))
            return;
        if (pod.Sandbox is not { } sandbox || pod.State != SandboxPodState.Claimed || await _world.Sessions.FindAsync(sandbox, default) is not { } session)
            return;
        if (Task is null)
        {
            if (session.State == "starting")
                await _world.Sessions.RecordCageAsync(session, caged: true, [], default);
            else if (await _world.Sessions.TakeTaskAsync(session, default) is not null)
                Task = session.Investigation;
            return;
        }
        if (++_worked < _work)
            return;
        // One that has waited since an earlier run is nobody's surprise in this one.
        switch (_plan == _world.Plan ? _script : PodScript.Reports)
        {
            case PodScript.Crashes:
                (IsMeantToEnd, _exit) = (true, new(7));
                break;
            case PodScript.RunsOutOfMemory:
                (IsMeantToEnd, _exit) = (true, new(137, "OOMKilled"));
                break;
            default:
                // Said by the database, not by the answer: it may be cut off from here on.
                HasReported = await _world.Sessions.SaveReportAsync(session, """{"summary":"found it"}""", final: true, default);
                if (HasReported)
                    _exit ??= new(0);
                break;
        }
    }
}
