using System.Collections.Concurrent;

namespace IncidentFox.Bot.Cards;

/// <summary>About one write a second per channel: whoever comes earlier waits for their turn.</summary>
internal sealed class ChannelPace(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _next = new();

    public async Task WaitAsync(string channelId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        // The slot that is mine, and the next one's start in the same step.
        var next = _next.AddOrUpdate(channelId, now + Interval, (_, free) => (free > now ? free : now) + Interval);
        var wait = next - Interval - now;
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, time, cancellationToken);
        if (_next.Count > 10_000)
            _next.Clear();
    }
}
