namespace IncidentFox.Secrets;

/// <summary>What the store remembers of one reference. Guarded by the store's lock; times are monotonic, so that a clock that is set back prolongs nothing.</summary>
internal sealed class CachedSecret
{
    public Task<SecretResult>? Flight { get; set; }

    /// <summary>Whether <see cref="Flight"/> was put because a target refused the value, so after the value was changed.</summary>
    public bool FlightIsForced { get; set; }

    public long LastUsed { get; set; }

    /// <summary>When a forced refresh may be made again.</summary>
    public long ForcibleAt { get; private set; } = long.MinValue;

    // Looking whether a file is still the same is a question to the file system: not for each of thousands of calls a second.
    private static readonly TimeSpan JudgeEvery = TimeSpan.FromMilliseconds(100);

    private long _judgeAt;
    private SecretResult? _result;
    private long _serveUntil;
    private long _refreshAt = long.MaxValue;
    private SecretResult? _lastFound;
    private long _lastFoundUntil;

    /// <summary>The remembered answer, while it may still be given.</summary>
    public SecretResult? Current(long now) => now < _serveUntil ? _result : null;

    /// <summary>Whether its source is to be asked again if the answer is still the same; at most every 100 ms.</summary>
    public bool IsDueForJudgement(long now, SecretClock clock)
    {
        if (now < _judgeAt)
        {
            return false;
        }

        _judgeAt = now + clock.Ticks(JudgeEvery);
        return true;
    }

    public bool IsDueForRefresh(long now) => now >= _refreshAt;

    public void Forced(long now, SecretClock clock, TimeSpan interval) => ForcibleAt = now + clock.Ticks(interval);

    /// <summary>Whether forgetting it would lose nothing.</summary>
    public bool IsSpent(long now) => Flight is null && now >= _serveUntil && now >= _lastFoundUntil && now >= ForcibleAt;

    /// <summary>Takes in an answer and returns the one to give to those who waited for it.</summary>
    public SecretResult Absorb(SecretResult answer, SecretFetchCause cause, long now, SecretClock clock, SecretsOptions options)
    {
        var failureLife = clock.Ticks(Longest(options.CacheFailuresFor, answer.RetryAfter));
        if (answer.IsTransient && Current(now) is { Value: not null })
        {
            _refreshAt = now + failureLife;   // the value is good until its time is up; the store is left alone meanwhile
            return answer;
        }

        if (answer.IsTransient && cause != SecretFetchCause.Forced && _lastFound is not null && now < _lastFoundUntil)
        {
            _result = _lastFound.AsStale();
            _serveUntil = Math.Min(now + failureLife, _lastFoundUntil);
            _refreshAt = long.MaxValue;
            return _result;
        }

        _result = answer;
        if (answer.Value is null)
        {
            _lastFound = answer.IsTransient ? _lastFound : null;   // a considered "no" ends every older value
            _serveUntil = now + failureLife;
            _refreshAt = long.MaxValue;
            return answer;
        }

        var left = answer.Value.ExpiresAt - clock.Now ?? TimeSpan.MaxValue;
        var life = left < options.CacheFor ? left : options.CacheFor;
        var staleLife = left < options.CacheFor + options.StaleFor ? left : options.CacheFor + options.StaleFor;
        _serveUntil = now + clock.Ticks(life);
        _refreshAt = now + (clock.Ticks(life) / 3 * 2);
        _lastFound = answer;
        _lastFoundUntil = now + clock.Ticks(staleLife);
        return answer;
    }

    // A store that asks for an hour of silence is asked again after five minutes: its answer is one small request.
    private static TimeSpan Longest(TimeSpan ours, TimeSpan? theirs)
    {
        var most = TimeSpan.FromMinutes(5);
        var longest = theirs > ours ? theirs.Value : ours;
        return longest > most ? most : longest;
    }
}

/// <summary>The two clocks: wall time for dates that a store states, monotonic time for everything we measure ourselves.</summary>
internal readonly record struct SecretClock(TimeProvider Provider)
{
    public DateTimeOffset Now => Provider.GetUtcNow();

    public long Timestamp => Provider.GetTimestamp();

    public long Ticks(TimeSpan span) => (long)(span.TotalSeconds * Provider.TimestampFrequency);
}
