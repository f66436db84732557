using IncidentFox.Bot.Investigations.Storage;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Bot.Investigations;

/// <summary>
/// Once a second: what a lost job, a crash or another process left undone. Everything it does is a guarded step that others do too; running twice, or in
/// several processes, changes nothing.
/// </summary>
internal sealed class InvestigationSweep(
    SupervisionStore reads, SandboxSupervisor supervisor, SandboxConclusion conclusion, BotInstance instance, ISandboxDriver driver, ApprovalVoting approvals,
    InvestigationStore investigations, SandboxLimits limits, BotOptions options, TimeProvider time, ILogger<InvestigationSweep> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>A job that has not started its investigation by then is taken for lost.</summary>
    internal static readonly TimeSpan JobIsLate = TimeSpan.FromSeconds(5);

    /// <summary>A sandbox that nobody says to hold by then has lost its holder.</summary>
    private static readonly TimeSpan OwnerIsLate = TimeSpan.FromSeconds(10);

    private readonly Dictionary<InvestigationId, long> _enqueued = [];
    private bool _reaped;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await instance.Held.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it was, the next second tries again.
                logger.Log(e is NpgsqlException ? LogLevel.Warning : LogLevel.Error, e, "The sweep of investigations failed; trying again");
            }
            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    internal async Task SweepAsync(CancellationToken cancellationToken)
    {
        await approvals.ExpireDueAsync(cancellationToken);
        if (!_reaped)
        {
            foreach (var sandbox in await driver.ReapAsync(cancellationToken))
                logger.LogInformation("Removed sandbox {Sandbox}, which an earlier process left behind", sandbox);
            _reaped = true;
        }
        await ConcludeOrphansAsync(cancellationToken);
        foreach (var id in await reads.TooOldAsync(options.MaxAge, cancellationToken))
            await conclusion.FailAsync(id, "too_old", $"It was still open after {options.MaxAge.TotalHours:0.#} hours and was given up. Please ask again.", cancellationToken);
        foreach (var id in await reads.EndedWithOpenApprovalsAsync(cancellationToken))
            await approvals.CancelForAsync(id, "system", "The investigation is over.", cancellationToken);
        await EnqueueStartableAsync(cancellationToken);
    }

    // An investigation at work whose holder is gone: its sandbox is taken over where it runs on; else the same rules as when it had ended here.
    private async Task ConcludeOrphansAsync(CancellationToken cancellationToken)
    {
        foreach (var orphan in await reads.AtWorkAsync(cancellationToken))
        {
            if (orphan.Sandbox is not { } sandbox || supervisor.Holds(orphan.Id))
                continue;
            if (!await IsHolderGoneAsync(orphan.Owner, orphan.Age, cancellationToken))
                continue;
            try
            {
                if (driver.SandboxesOutliveTheBot && !orphan.SandboxEnded && await TakeOverAsync(orphan, sandbox, cancellationToken))
                    continue;
            }
            catch (Exception e) when (e is not NpgsqlException && !cancellationToken.IsCancellationRequested)
            {
                // Nobody can say now whether it runs on; the others need not wait for that.
                logger.LogWarning("Sandbox {Sandbox} of {Investigation} could not be taken over ({Reason}); the next sweep tries again", sandbox, orphan.Id, e.Message);
                continue;
            }
            logger.LogWarning("Sandbox {Sandbox} of {Investigation} has lost its holder", sandbox, orphan.Id);
            await conclusion.DrawAsync(orphan.Id, sandbox, SandboxEnd.Lost, "", cancellationToken);
        }
        foreach (var (investigation, sandbox, owner, age) in await reads.LeftOverAsync(cancellationToken))
        {
            if (!supervisor.Holds(investigation) && await IsHolderGoneAsync(owner, age, cancellationToken))
                await investigations.EndSandboxAsync(investigation, sandbox, "lost", cancellationToken);
        }
    }

    private async Task<bool> IsHolderGoneAsync(Guid? owner, TimeSpan age, CancellationToken cancellationToken) =>
        owner is { } other && other != instance.Id ? !await instance.IsAliveAsync(other, cancellationToken) : age > OwnerIsLate;

    // True when there is nothing to conclude: it is held now, somebody else took it, or there is no room and it waits for somebody who has.
    private async Task<bool> TakeOverAsync(Supervised orphan, SandboxId sandbox, CancellationToken cancellationToken)
    {
        if (!supervisor.TryReserve())
            return true;
        var watching = false;
        var held = supervisor.Expect(orphan.Id);
        try
        {
            if (await reads.TakeOverAsync(sandbox, orphan.Owner, instance.Id, cancellationToken) is not { } ran)
                return true;
            var left = limits.Duration > ran ? limits.Duration - ran : TimeSpan.Zero;
            if (await driver.AdoptAsync(new SandboxSpec(sandbox, limits with { Duration = left }), cancellationToken) is not { } running)
                return false;
            await investigations.MarkRunningAsync(orphan.Id, sandbox, CancellationToken.None);
            logger.LogInformation("Took over sandbox {Sandbox} of {Investigation}, which has run for {Ran}", sandbox, orphan.Id, ran);
            supervisor.Watch(orphan.Id, held, running);
            watching = true;
            return true;
        }
        finally
        {
            if (!watching)
            {
                supervisor.Forget(orphan.Id, held);
                supervisor.Release();
            }
        }
    }

    // Hangfire would run a duplicate harmlessly; this keeps its tables from filling, and its workers from running in vain, while there is no room for
    // another sandbox. Oldest first.
    private async Task EnqueueStartableAsync(CancellationToken cancellationToken)
    {
        var startable = await reads.StartableAsync(JobIsLate, cancellationToken);
        foreach (var id in _enqueued.Keys.Except(startable).ToArray())
            _enqueued.Remove(id);
        var places = supervisor.FreePlaces;
        foreach (var id in startable)
        {
            if (_enqueued.TryGetValue(id, out var at) && time.GetElapsedTime(at) < JobIsLate)
                continue;
            if (--places < 0)
                return;
            _enqueued[id] = time.GetTimestamp();
            conclusion.Enqueue(id);
        }
    }
}
