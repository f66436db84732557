using System.Collections.Concurrent;

namespace IncidentFox.Slack.Tests.Support;

internal sealed class MemoryLedger(TimeProvider clock) : ISlackRequestLedger
{
    private readonly Dictionary<string, DateTimeOffset> _claims = [];

    public bool Broken { get; set; }

    public ConcurrentQueue<string> Released { get; } = new();

    public ValueTask<bool> TryClaimAsync(string key, TimeSpan keepFor, CancellationToken cancellationToken)
    {
        ThrowIfBroken();
        lock (_claims)
        {
            if (_claims.TryGetValue(key, out var until) && until > clock.GetUtcNow())
            {
                return ValueTask.FromResult(false);
            }

            _claims[key] = clock.GetUtcNow() + keepFor;
            return ValueTask.FromResult(true);
        }
    }

    public ValueTask<bool> IsClaimedAsync(string key, CancellationToken cancellationToken)
    {
        ThrowIfBroken();
        lock (_claims)
        {
            return ValueTask.FromResult(_claims.TryGetValue(key, out var until) && until > clock.GetUtcNow());
        }
    }

    public ValueTask ReleaseAsync(string key, CancellationToken cancellationToken)
    {
        ThrowIfBroken();
        lock (_claims)
        {
            _claims.Remove(key);
        }

        Released.Enqueue(key);
        return ValueTask.CompletedTask;
    }

    private void ThrowIfBroken()
    {
        if (Broken)
        {
            throw new InvalidOperationException("the database is down");
        }
    }
}
