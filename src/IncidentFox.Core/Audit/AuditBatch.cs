using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Core.Audit;

/// <summary>What became of rows that were handed to the batch.</summary>
public enum AuditOutcome
{
    /// <summary>They are durable.</summary>
    Committed,

    /// <summary>The session they were written under is over or another one now. Nothing was written: look again and decide again.</summary>
    SessionChanged,

    /// <summary>They could not be written, or not in time. Whatever depends on them must not happen.</summary>
    Failed,
}

/// <summary>
/// Group commit of the audit trail: one writer, one statement and one flush for as many rows as are waiting. A caller waits until its rows are durable, and
/// nobody waits for more rows to come. Only with the gateway's database role.
/// </summary>
public sealed class AuditBatch : IHostedLifecycleService, IAsyncDisposable
{
    /// <summary>Name of the meter: waits, rows and batch sizes.</summary>
    public const string MeterName = "IncidentFox.Audit";

    private const int Capacity = 4_096;
    private const int MostEntries = 256;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan FlushPatience = TimeSpan.FromSeconds(2);

    private static readonly Meter Meter = new(MeterName);
    private static readonly Histogram<double> Waits = Meter.CreateHistogram<double>("incidentfox.audit.wait", "ms", "From handing over audit rows to their being durable.");
    private static readonly Counter<long> Events = Meter.CreateCounter<long>("incidentfox.audit.events", "{event}", "Audit events committed in batches.");
    private static readonly Histogram<int> Sizes = Meter.CreateHistogram<int>("incidentfox.audit.batch_size", "{entry}", "Callers served by one commit.");

    private readonly Channel<AuditEntry> _waiting = Channel.CreateBounded<AuditEntry>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly ConcurrentQueue<AuditEntry> _watched = new();
    private readonly ITimer _late;
    private readonly AuditBatchWriter _writer;
    private readonly TimeProvider _time;
    private readonly ILogger<AuditBatch> _logger;
    private readonly Task _writing;

    /// <summary>Begins to write.</summary>
    public AuditBatch(Database database, TimeProvider time, ILogger<AuditBatch> logger)
    {
        (_writer, _time, _logger) = (new AuditBatchWriter(database), time, logger);
        _late = time.CreateTimer(static self => ((AuditBatch)self!).EndLate(), this, LookEvery, LookEvery);
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>Commits an event. What the caller does to its JSON after the call changes nothing.</summary>
    /// <param name="e">Without a query: a question needs the transaction of its investigation.</param>
    /// <param name="under">
    /// The session that the caller's decision was made for. The row is written only if, in the same statement, the sandbox still has this open
    /// investigation and the lowest role of those who asked is still the same. Null: written in any case.
    /// </param>
    public Task<AuditOutcome> CommitAsync(AuditEvent e, SandboxSession? under = null) => CommitAsync([e], under);

    /// <summary>Commits events together or none of them; all of the same investigation.</summary>
    public async Task<AuditOutcome> CommitAsync(IReadOnlyList<AuditEvent> events, SandboxSession? under = null)
    {
        if (await EnqueueAsync(events, under) is not { } entry)
            return AuditOutcome.Failed;
        var outcome = await entry.Done;
        Waits.Record(_time.GetElapsedTime(entry.Entered).TotalMilliseconds);
        return outcome;
    }

    /// <summary>
    /// Hands over events whose outcome nobody waits for; completes when they have a place, so that what ends can't outrun what is written. A failure is logged.
    /// </summary>
    public async ValueTask AppendAsync(IReadOnlyList<AuditEvent> events)
    {
        if (await EnqueueAsync(events, under: null) is { } entry)
            entry.LogFailure = true;
    }

    /// <summary>Completes when everything handed over before is written or has failed; true if it was in time.</summary>
    public async Task<bool> FlushAsync(TimeSpan atMost)
    {
        var marker = new AuditEntry(default, [], 0, null, _time.GetTimestamp());
        if (!_waiting.Writer.TryWrite(marker))
            return false;
        try
        {
            await marker.Done.WaitAsync(atMost, _time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Nothing yet: services stop side by side, and requests that still end need their rows.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Everything else has stopped: what was handed over is written now.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (!await FlushAsync(FlushPatience))
            _logger.LogError("Audit rows were still waiting when the gateway stopped; calls without an end are closed as unknown by a sweep");
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (!_waiting.Writer.TryComplete())
            return;
        await _writing.WaitAsync(FlushPatience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _late.DisposeAsync();
        await _writer.DisposeAsync();
    }

    private async ValueTask<AuditEntry?> EnqueueAsync(IReadOnlyList<AuditEvent> events, SandboxSession? under)
    {
        var entry = new AuditEntry(AuditScope.Of(events), AuditLine.Write(events), events.Count, under, _time.GetTimestamp());
        if (_waiting.Writer.TryWrite(entry))
        {
            _watched.Enqueue(entry);
            return entry;
        }
        // Full, or over. Who waits for a place in vain was never in it.
        try
        {
            using var patience = new CancellationTokenSource(Patience, _time);
            await _waiting.Writer.WriteAsync(entry, patience.Token);
            _watched.Enqueue(entry);
            return entry;
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            _logger.LogError("Audit row {EventType} of {CorrelationId} found no place among those waiting ({Reason})", events[0].EventType, events[0].CorrelationId, e.GetType().Name);
            return null;
        }
    }

    // One timer for everybody: entries come in the order in which their time runs out.
    private void EndLate()
    {
        while (_watched.TryPeek(out var entry) && (entry.Done.IsCompleted || _time.GetElapsedTime(entry.Entered) >= Patience))
        {
            // Not begun: it never will be. Begun: it may yet be written, and then it is a request that was never sent, which the sweep closes.
            if (!entry.Done.IsCompleted)
            {
                entry.TryGiveUp();
                entry.End(AuditOutcome.Failed);
                LogUnwritten(entry);
            }
            _watched.TryDequeue(out _);
        }
    }

    private async Task WriteAsync()
    {
        var batch = new List<AuditEntry>(MostEntries);
        while (await _waiting.Reader.WaitToReadAsync())
        {
            while (batch.Count < MostEntries && _waiting.Reader.TryRead(out var entry))
            {
                if (entry.TryBegin())
                    batch.Add(entry);
            }
            await WriteAsync(batch);
            foreach (var entry in batch)
                entry.End(AuditOutcome.Failed);   // whoever has no outcome by now
            batch.Clear();
        }
    }

    private async Task WriteAsync(List<AuditEntry> batch)
    {
        try
        {
            await _writer.WriteAsync(batch);
            Count(batch);
        }
        // Something in one of the rows is refused by the database: it must not take its neighbours with it.
        catch (PostgresException e) when (batch.Count > 1 && IsRefusal(e))
        {
            _logger.LogWarning("An audit batch of {Count} was refused ({SqlState}); writing them one by one", batch.Count, e.SqlState);
            foreach (var entry in batch)
                await WriteAsync([entry]);
        }
        catch (Exception e)
        {
            _logger.LogError(e, "{Count} audit entries could not be committed", batch.Count);
            batch.ForEach(LogUnwritten);
        }
    }

    private void LogUnwritten(AuditEntry entry)
    {
        if (entry.LogFailure)
            _logger.LogError("The end of {CorrelationId} was not written; a sweep closes it as unknown", AuditLine.Heads(entry.Lines).FirstOrDefault().Correlation);
    }

    // Classes 22 (data), 23 (constraints) and 54 (limits): it is the rows, not the database, and the connection is as good as before.
    internal static bool IsRefusal(Exception e) => e is PostgresException { SqlState: ['2', '2' or '3', ..] or ['5', '4', ..] };

    private static void Count(List<AuditEntry> batch)
    {
        Sizes.Record(batch.Count);
        foreach (var entry in batch)
        {
            if (entry.Outcome == AuditOutcome.Committed)
                Events.Add(entry.Events);
        }
    }
}

/// <summary>Events that share one fate, and who waits for them.</summary>
internal sealed class AuditEntry(AuditScope scope, byte[] lines, int events, SandboxSession? under, long entered)
{
    private readonly TaskCompletionSource<AuditOutcome> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _state;   // 0 waiting, 1 begun, 2 given up

    public AuditScope Scope { get; } = scope;

    public byte[] Lines { get; } = lines;

    public int Events { get; } = events;

    public SandboxSession? Under { get; } = under;

    public long Entered { get; } = entered;

    public bool LogFailure { get; set; }

    public Task<AuditOutcome> Done => _done.Task;

    public AuditOutcome? Outcome => _done.Task.IsCompletedSuccessfully ? _done.Task.Result : null;

    public bool TryBegin() => Interlocked.CompareExchange(ref _state, 1, 0) == 0;

    public bool TryGiveUp() => Interlocked.CompareExchange(ref _state, 2, 0) == 0;

    public void End(AuditOutcome outcome) => _done.TrySetResult(outcome);
}
