namespace IncidentFox.Slack.WebApi;

/// <summary>
/// When the next call of a kind may be sent: a minimum interval that is kept ahead of time, and what Slack demanded with Retry-After.
/// </summary>
internal sealed class RateGate(TimeProvider clock)
{
    private const int PruneAbove = 2000;
    private static readonly TimeSpan LongestBlock = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, DateTimeOffset> _nextSlot = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _blockedUntil = new(StringComparer.Ordinal);

    /// <summary>Waits for this call's turn. Null: go ahead; otherwise the wait would be this long, more than was allowed, and no turn was taken.</summary>
    public async ValueTask<TimeSpan?> WaitAsync(string key, TimeSpan interval, DateTimeOffset giveUpAt, CancellationToken cancellationToken)
    {
        if (Reserve(key, interval, giveUpAt) is var slot && slot > giveUpAt)
        {
            return slot - clock.GetUtcNow();
        }

        await DelayUntilAsync(slot, cancellationToken);

        // Slack may have demanded a pause while this call was waiting for its slot.
        while (BlockedUntil(key) is { } blocked && blocked > clock.GetUtcNow())
        {
            if (blocked > giveUpAt)
            {
                return blocked - clock.GetUtcNow();
            }

            await DelayUntilAsync(blocked, cancellationToken);
        }

        return null;
    }

    public void Block(string key, TimeSpan duration)
    {
        var until = clock.GetUtcNow() + (duration < LongestBlock ? duration : LongestBlock);
        lock (_lock)
        {
            if (!_blockedUntil.TryGetValue(key, out var current) || until > current)
            {
                _blockedUntil[key] = until;
            }
        }
    }

    private DateTimeOffset Reserve(string key, TimeSpan interval, DateTimeOffset giveUpAt)
    {
        lock (_lock)
        {
            var now = clock.GetUtcNow();
            Prune(_nextSlot, now);
            Prune(_blockedUntil, now);

            var slot = now;
            if (_nextSlot.TryGetValue(key, out var next) && next > slot)
            {
                slot = next;
            }

            if (_blockedUntil.TryGetValue(key, out var blocked) && blocked > slot)
            {
                slot = blocked;
            }

            if (slot <= giveUpAt && interval > TimeSpan.Zero)
            {
                _nextSlot[key] = slot + interval;
            }

            return slot;
        }
    }

    private DateTimeOffset? BlockedUntil(string key)
    {
        lock (_lock)
        {
            return _blockedUntil.TryGetValue(key, out var until) ? until : null;
        }
    }

    private async Task DelayUntilAsync(DateTimeOffset at, CancellationToken cancellationToken)
    {
        if (at - clock.GetUtcNow() is var wait && wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, clock, cancellationToken);
        }
    }

    private static void Prune(Dictionary<string, DateTimeOffset> times, DateTimeOffset now)
    {
        if (times.Count > PruneAbove)
        {
            foreach (var (key, time) in times)
            {
                if (time <= now)
                {
                    times.Remove(key);
                }
            }
        }
    }
}
