using System.Threading.Channels;
using IncidentFox.Agent.Investigating;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Gateway;

/// <summary>
/// Streams events in order. What piles up while a batch is under way goes into the next one; a batch without an acknowledgement is sent
/// again as it was: sequences make that harmless.
/// </summary>
internal sealed class EventStream(GatewayClient gateway, TimeProvider time, Pace pace)
{
    private const int MostPerBatch = 50;

    private readonly Channel<AgentEvent> _queue = Channel.CreateUnbounded<AgentEvent>(new() { SingleReader = true });
    private readonly Lock _lock = new();
    private long _sequence;

    /// <summary>Queues an event; <paramref name="make"/> gets its sequence and time.</summary>
    public void Emit(Func<long, DateTimeOffset, AgentEvent> make)
    {
        lock (_lock)
            _queue.Writer.TryWrite(make(++_sequence, time.GetUtcNow()));
    }

    /// <summary>No more events will come.</summary>
    public void Complete() => _queue.Writer.TryComplete();

    /// <summary>Sends until <see cref="Complete"/> and everything is acknowledged. Returns why it had to stop, or null.</summary>
    public async Task<GatewayReply?> PumpAsync(CancellationToken ct)
    {
        while (await _queue.Reader.WaitToReadAsync(ct))
        {
            var batch = TakeBatch();
            if (await DeliverAsync(MessageCodec.Write(new EventBatch { Events = batch }, ContractsJson.Default.EventBatch), ct) is { Succeeded: false } failed)
                return failed;
        }
        return null;
    }

    // A report can be large: one per batch keeps every batch under the protocol's limit.
    private List<AgentEvent> TakeBatch()
    {
        var batch = new List<AgentEvent>();
        while (batch.Count < MostPerBatch && _queue.Reader.TryRead(out var next))
        {
            batch.Add(next);
            if (next is ReportEvent)
                break;
        }
        return batch;
    }

    private async Task<GatewayReply> DeliverAsync(byte[] batch, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var reply = await gateway.PostAsync(Protocol.EventsPath, batch, ct);
            if (reply.Succeeded || !reply.WorthRetrying || time.GetElapsedTime(started) > pace.GatewayMayBeAwayFor)
                return reply;
            await Task.Delay(pace.Retry, time, ct);
        }
    }
}
