using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Slack.Inbound;

internal enum DispatchStatus
{
    /// <summary>The handler ran and wrote down what is to be done.</summary>
    Done,

    /// <summary>It ran before: nothing is left to do.</summary>
    Duplicate,

    /// <summary>Another delivery of the same is being handled; should that one fail, this one must come again.</summary>
    RunningElsewhere,

    /// <summary>The answer must leave now; the handler goes on and ends in Done or Failed by itself.</summary>
    StillRunning,

    /// <summary>The handler threw: nothing was done, and the key is free again.</summary>
    Failed,

    /// <summary>The ledger could not be asked, so nothing was run.</summary>
    Unavailable,
}

internal readonly record struct DispatchOutcome(DispatchStatus Status, SlackReply Reply = default);

/// <summary>
/// Runs a delivery once, however often and over whichever transport it arrives. A short lease keeps two deliveries from running
/// side by side and frees itself after a crash; only a handler that returned leaves the lasting mark. So a retry during the
/// first try is told to come back, a retry after it is acknowledged, and no failure or crash loses anything.
/// </summary>
internal sealed partial class SlackDispatcher(IServiceScopeFactory scopes, TimeProvider clock, ILogger<SlackDispatcher> log) : IHostedService, IDisposable
{
    /// <summary>Slack waits three seconds.</summary>
    public static readonly TimeSpan AnswerBudget = TimeSpan.FromMilliseconds(2800);
    public static readonly TimeSpan SlowAfter = TimeSpan.FromMilliseconds(2500);

    /// <summary>Longer than a handler may run, shorter than Slack's second retry (one minute).</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan HandlerLimit = TimeSpan.FromSeconds(25);

    /// <summary>Slack's last retry comes after about six minutes; a day covers its longest outage replays.</summary>
    public static readonly TimeSpan KeepDone = TimeSpan.FromHours(24);

    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<Task> _inFlight = [];

    /// <param name="key">What is run once, such as <c>event:Ev123</c>.</param>
    /// <param name="replayKey">A claim the caller made for this very request; it is freed when the handler fails, so that the same bytes may come again.</param>
    /// <param name="run">Calls the handler.</param>
    public async Task<DispatchOutcome> DispatchAsync(string key, string? replayKey, Func<ISlackHandler, CancellationToken, ValueTask<SlackReply>> run)
    {
        // On its own task: when the answer has to leave first, or the caller hangs up, the work goes on.
        var work = Task.Run(() => RunAsync(key, replayKey, run));
        Track(work);
        try
        {
            return await work.WaitAsync(AnswerBudget, clock);
        }
        catch (TimeoutException)
        {
            LogAnswerFirst(key);
            return new DispatchOutcome(DispatchStatus.StillRunning);
        }
    }

    private async Task<DispatchOutcome> RunAsync(string key, string? replayKey, Func<ISlackHandler, CancellationToken, ValueTask<SlackReply>> run)
    {
        await using var scope = scopes.CreateAsyncScope();
        var ledger = scope.ServiceProvider.GetRequiredService<ISlackRequestLedger>();
        var lease = "slack:lease:" + key;
        var done = "slack:done:" + key;
        using var limit = new CancellationTokenSource(HandlerLimit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);

        try
        {
            if (!await ledger.TryClaimAsync(lease, Lease, both.Token))
            {
                return new DispatchOutcome(await ledger.IsClaimedAsync(done, both.Token) ? DispatchStatus.Duplicate : DispatchStatus.RunningElsewhere);
            }

            if (await ledger.IsClaimedAsync(done, both.Token))
            {
                await ReleaseAsync(ledger, lease);
                return new DispatchOutcome(DispatchStatus.Duplicate);
            }
        }
        catch (Exception exception)
        {
            LogLedgerFailed(exception, key);
            if (replayKey is not null)
            {
                await ReleaseAsync(ledger, replayKey);
            }

            return new DispatchOutcome(DispatchStatus.Unavailable);
        }

        SlackReply reply;
        var started = clock.GetTimestamp();
        try
        {
            var handler = scope.ServiceProvider.GetRequiredService<ISlackHandler>();
            reply = await run(handler, both.Token);
        }
        catch (Exception exception)
        {
            LogHandlerFailed(exception, key);
            await ReleaseAsync(ledger, lease);
            if (replayKey is not null)
            {
                await ReleaseAsync(ledger, replayKey);
            }

            return new DispatchOutcome(DispatchStatus.Failed);
        }

        if (clock.GetElapsedTime(started) is var elapsed && elapsed > SlowAfter)
        {
            LogSlow(key, elapsed.TotalMilliseconds);
        }

        // A form that was sent back did nothing yet: correcting it must be possible.
        if (reply.Kind != SlackReplyKind.ViewErrors)
        {
            await MarkDoneAsync(ledger, done);
        }

        await ReleaseAsync(ledger, lease);
        return new DispatchOutcome(DispatchStatus.Done, reply);
    }

    // The handler's work is durable by now. Failing the request for the ledger's sake would only have Slack send it again.
    private async Task MarkDoneAsync(ISlackRequestLedger ledger, string key)
    {
        try
        {
            await ledger.TryClaimAsync(key, KeepDone, CancellationToken.None);
        }
        catch (Exception exception)
        {
            LogLedgerFailed(exception, key);
        }
    }

    // A lease that can't be released runs out by itself.
    private async Task ReleaseAsync(ISlackRequestLedger ledger, string key)
    {
        try
        {
            await ledger.ReleaseAsync(key, CancellationToken.None);
        }
        catch (Exception exception)
        {
            LogLedgerFailed(exception, key);
        }
    }

    private void Track(Task work)
    {
        lock (_inFlight)
        {
            _inFlight.Add(work);
        }

        _ = work.ContinueWith(
            finished =>
            {
                lock (_inFlight)
                {
                    _inFlight.Remove(finished);
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Task[] waiting;
        lock (_inFlight)
        {
            waiting = [.. _inFlight];
        }

        try
        {
            await Task.WhenAll(waiting).WaitAsync(DrainLimit, clock, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            await _stopping.CancelAsync();
        }
    }

    public void Dispose() => _stopping.Dispose();

    [LoggerMessage(Level = LogLevel.Error, Message = "The Slack handler failed for {Key}; Slack is told so and may send it again")]
    private partial void LogHandlerFailed(Exception exception, string key);

    [LoggerMessage(Level = LogLevel.Error, Message = "The request ledger failed for {Key}")]
    private partial void LogLedgerFailed(Exception exception, string key);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The Slack handler took {Milliseconds:0} ms for {Key}; Slack waits 3000 ms")]
    private partial void LogSlow(string key, double milliseconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "Slack was answered before the handler had finished {Key}; the handler goes on")]
    private partial void LogAnswerFirst(string key);
}
