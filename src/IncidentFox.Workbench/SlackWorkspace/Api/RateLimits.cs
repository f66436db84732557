namespace IncidentFox.Workbench.SlackWorkspace.Api;

/// <summary>Token buckets, one per method (chat.postMessage: one per channel), plus those that a test emptied.</summary>
internal sealed class RateLimits(SlackDoubleOptions options)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, (double Tokens, DateTimeOffset At)> buckets = [];
    private readonly Dictionary<string, DateTimeOffset> shut = [];

    /// <summary>Null when the call may go ahead, else the seconds after which to try again.</summary>
    public int? Take(string method, string bucket, double capacity, double perSecond)
    {
        var now = options.TimeProvider.GetUtcNow();
        lock (gate)
        {
            if (shut.TryGetValue(method, out var until))
            {
                if (now < until) return (int)Math.Ceiling((until - now).TotalSeconds);
                shut.Remove(method);
            }

            if (!options.Limits.RateLimitsOn) return null;
            var (tokens, at) = buckets.GetValueOrDefault(bucket, (capacity, now));
            tokens = Math.Min(capacity, tokens + ((now - at).TotalSeconds * perSecond));
            if (tokens < 1)
            {
                buckets[bucket] = (tokens, now);
                return Math.Max(1, (int)Math.Ceiling((1 - tokens) / perSecond));
            }

            buckets[bucket] = (tokens - 1, now);
            return null;
        }
    }

    public void Shut(string method, TimeSpan retryAfter)
    {
        lock (gate) shut[method] = options.TimeProvider.GetUtcNow() + retryAfter;
    }
}
