using System.Collections.Concurrent;
using IncidentFox.Bot.Cards.Storage;
using IncidentFox.Bot.Investigations;
using IncidentFox.Bot.Jobs;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Storage;
using IncidentFox.Slack;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Bot.Cards;

/// <summary>
/// Keeps Slack showing what the database says. Wakes on signals and every second, takes what may have changed, and comes back to what did not work, later
/// and later while Slack is down.
/// </summary>
internal sealed class CardLoop(
    CardStore cards, ApprovalCardSender approvals, InvestigationCardSender investigations, DatabaseSignals signals, BotInstance instance,
    ApprovalReader reader, ApprovalJobs jobs, TimeProvider time, ILogger<CardLoop> logger) : BackgroundService
{
    private const int AtOnce = 8;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LastCalls = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<Guid, bool> _changed = new();
    private readonly ConcurrentDictionary<Guid, Task> _active = new();
    private readonly SemaphoreSlim _wake = new(1);
    private volatile bool _anything = true;
    private long _holdersAsked;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var lastCalls = new CancellationTokenSource();
        await using var stopping = stoppingToken.Register(() => lastCalls.CancelAfter(LastCalls));
        using var investigationSignals = signals.Subscribe("investigation", OnSignal);
        using var approvalSignals = signals.Subscribe("approval", OnSignal);
        await instance.Held.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RoundAsync(stoppingToken, lastCalls.Token);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                logger.Log(e is NpgsqlException ? LogLevel.Warning : LogLevel.Error, e, "Cards could not be looked at; trying again");
                await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            await Task.Delay(Breath, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await WaitAsync(stoppingToken);
        }
        await Task.WhenAll(_active.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>One look at everything; what needs Slack goes on in the background.</summary>
    internal async Task RoundAsync(CancellationToken cancellationToken, CancellationToken callsToken)
    {
        foreach (var seen in await cards.DiscoverAsync(cancellationToken))
            await ScheduleAsync(seen, cancellationToken);
        await MarkAsync(cancellationToken);
        await FreeDeadHoldersAsync(cancellationToken);
        var room = AtOnce - _active.Count;
        if (room <= 0)
            return;
        foreach (var card in await cards.ClaimAsync(instance.Id, room, Lease, LookAgain, cancellationToken))
        {
            var work = new TaskCompletionSource();
            _active[card.Id] = work.Task;
            _ = Task.Run(async () =>
            {
                await SendAsync(card, callsToken);
                _active.TryRemove(card.Id, out _);
                work.SetResult();
                Wake();
            }, CancellationToken.None);
        }
    }

    /// <summary>Waits until nothing is being sent.</summary>
    internal Task IdleAsync() => Task.WhenAll(_active.Values);

    private void OnSignal(Guid? id)
    {
        if (id is { } changed)
            _changed[changed] = true;
        else
            _anything = true;
        Wake();
    }

    private void Wake()
    {
        if (_wake.CurrentCount == 0)
            _wake.Release();
    }

    private async Task WaitAsync(CancellationToken stoppingToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        await Task.WhenAny(_wake.WaitAsync(either.Token), Task.Delay(Every, time, either.Token));
        await either.CancelAsync();
    }

    private async Task MarkAsync(CancellationToken cancellationToken)
    {
        if (_anything)
        {
            await cards.MarkDirtyAsync(null, cancellationToken);
            _anything = false;
            _changed.Clear();
            return;
        }
        var changed = _changed.Keys.ToArray();
        if (changed.Length == 0)
            return;
        foreach (var id in changed)
            _changed.TryRemove(id, out _);
        await cards.MarkDirtyAsync(changed, cancellationToken);
    }

    private async Task FreeDeadHoldersAsync(CancellationToken cancellationToken)
    {
        if (_holdersAsked != 0 && time.GetElapsedTime(_holdersAsked) < TimeSpan.FromSeconds(5))
            return;
        _holdersAsked = time.GetTimestamp();
        foreach (var holder in await cards.HoldersAsync(cancellationToken))
        {
            if (!await instance.IsAliveAsync(holder, cancellationToken))
                await cards.FreeAsync(holder, cancellationToken);
        }
    }

    // When the database goes away in between, the sweep sees what is due.
    private async Task ScheduleAsync(ApprovalId id, CancellationToken cancellationToken)
    {
        if (await reader.FindAsync(id, cancellationToken) is { } approval && approval.State == ApprovalState.Pending)
            jobs.Schedule(approval);
    }

    private async Task SendAsync(CardRow card, CancellationToken cancellationToken)
    {
        try
        {
            var outcome = card.Kind == CardStore.Approval
                ? await approvals.SendAsync(card, cancellationToken)
                : await investigations.SendAsync(card, cancellationToken);
            if (outcome.Error is { } error)
                await FailedAsync(card, error);
            else if (outcome.ComeBackIn is { } later)
                await cards.FailedAsync(card.Id, "waiting for another card", later, CancellationToken.None);
            else
                await cards.ReleaseAsync(card.Id, outcome.Settled, CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            await ForgetAsync(card, "stopping", TimeSpan.Zero);
        }
        catch (Exception e)
        {
            logger.LogError(e, "The card of {Kind} {Subject} could not be brought up to date", card.Kind, card.SubjectId);
            await ForgetAsync(card, e.GetType().Name, Pause(card.Failures));
        }
    }

    private async Task FailedAsync(CardRow card, SlackError error)
    {
        var again = error.RetryAfter is { } asked && asked > TimeSpan.Zero ? asked : Pause(card.Failures);
        logger.LogWarning("Slack did not take the card of {Kind} {Subject}: {Code} {Detail}; again in {Pause}", card.Kind, card.SubjectId, error.Code, error.Detail, again);
        await cards.FailedAsync(card.Id, error.Code, again, CancellationToken.None);
    }

    // With the database away too, the lease runs out by itself.
    private async Task ForgetAsync(CardRow card, string why, TimeSpan again)
    {
        try
        {
            await cards.FailedAsync(card.Id, why, again, CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or ObjectDisposedException)
        {
            logger.LogWarning("Card {Id} could not be given back ({Reason})", card.Id, e.Message);
        }
    }

    internal static TimeSpan Pause(int failures) =>
        TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, Math.Min(failures, 10))));

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }
}
