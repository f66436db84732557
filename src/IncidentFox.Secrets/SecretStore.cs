using Microsoft.Extensions.Logging;

namespace IncidentFox.Secrets;

/// <summary>
/// Gives secrets by reference. Keeps them in memory for a short, bounded time; asks a store once however many callers wait;
/// asks again in the background when two thirds of a value's life have passed and it is used; never hands out what an observer
/// could not record.
/// </summary>
public sealed class SecretStore : IDisposable
{
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);

    private readonly Dictionary<SecretScheme, ISecretSource> _sources;
    private readonly SecretFetcher _fetcher;
    private readonly SecretScopes _scopes;
    private readonly SecretsOptions _options;
    private readonly SecretClock _clock;
    private readonly Dictionary<SecretReference, CachedSecret> _cache = [];
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _sweep;

    /// <summary>Normally made by <see cref="SecretsModule.AddSecrets"/>.</summary>
    public SecretStore(
        IEnumerable<ISecretSource> sources,
        IEnumerable<ISecretObserver> observers,
        SecretsOptions options,
        TimeProvider time,
        ILogger<SecretStore> logger)
    {
        _sources = sources.ToDictionary(s => s.Scheme);
        _options = options;
        _scopes = new SecretScopes(options.Scopes);
        _clock = new SecretClock(time);
        _fetcher = new SecretFetcher(_sources, [.. observers], options, time, logger);
        _sweep = time.CreateTimer(static store => ((SecretStore)store!).Sweep(), this, SweepEvery, SweepEvery);
    }

    /// <summary>How many references are remembered.</summary>
    internal int Cached
    {
        get
        {
            lock (_gate)
            {
                return _cache.Count;
            }
        }
    }

    /// <summary>The secret, without saying for whom: what a <see cref="SecretScope"/> reserves is denied.</summary>
    public ValueTask<SecretResult> GetAsync(SecretReference reference, CancellationToken cancellationToken) => GetAsync(reference, null, cancellationToken);

    /// <summary>
    /// The secret, from memory when it is fresh there. Cancelling ends this caller's wait only, not the question to the store.
    /// Whether <paramref name="purpose"/>'s team may have it is judged at every use, cached or not.
    /// </summary>
    public async ValueTask<SecretResult> GetAsync(SecretReference reference, SecretPurpose? purpose, CancellationToken cancellationToken)
    {
        ThrowIfEmpty(reference);
        cancellationToken.ThrowIfCancellationRequested();
        if (Refusal(reference, purpose) is { } refusal)
        {
            return await _fetcher.RefuseAsync(reference, purpose, refusal);
        }

        var (cached, isToBeJudged) = Peek(reference, purpose);
        if (cached is null)
        {
            return await JoinAsync(reference, purpose, SecretFetchCause.Miss, cached, cancellationToken);
        }

        if (isToBeJudged && cached.Value is { } value && _sources.TryGetValue(reference.Scheme, out var source) && !source.IsStillCurrent(reference, value))
        {
            return await JoinAsync(reference, purpose, SecretFetchCause.Changed, cached, cancellationToken);
        }

        return cached;
    }

    /// <summary>The secret as its store has it now, without saying for whom.</summary>
    public ValueTask<SecretResult> GetFreshAsync(SecretReference reference, CancellationToken cancellationToken) => GetFreshAsync(reference, null, cancellationToken);

    /// <summary>
    /// The secret as its store has it now: for the one retry after an upstream refused the cached value. Within
    /// <see cref="SecretsOptions.ForcedRefreshInterval"/> of the last forced refresh it is the same as <see cref="GetAsync"/>,
    /// so that an upstream that refuses everything cannot make us flood the store.
    /// </summary>
    public async ValueTask<SecretResult> GetFreshAsync(SecretReference reference, SecretPurpose? purpose, CancellationToken cancellationToken)
    {
        ThrowIfEmpty(reference);
        cancellationToken.ThrowIfCancellationRequested();
        if (Refusal(reference, purpose) is { } refusal)
        {
            return await _fetcher.RefuseAsync(reference, purpose, refusal);
        }

        for (var waited = false; ; waited = true)
        {
            Task<SecretResult>? flight = null;
            var again = false;
            lock (_gate)
            {
                var now = _clock.Timestamp;
                if (Entry(reference, now) is { } entry)
                {
                    if (entry.Flight is { } under)
                    {
                        flight = under;
                        again = !entry.FlightIsForced && !waited;   // put before the secret was changed, perhaps
                    }
                    else if (now >= entry.ForcibleAt)
                    {
                        entry.Forced(now, _clock, _options.ForcedRefreshInterval);
                        flight = Start(reference, purpose, entry, SecretFetchCause.Forced);
                    }
                }
            }

            if (flight is null)
            {
                return await GetAsync(reference, purpose, cancellationToken);
            }

            var answer = await flight.WaitAsync(cancellationToken);
            if (!again)
            {
                return answer;
            }
        }
    }

    /// <summary>The remembered answer, if any; starts the background refresh when it is due.</summary>
    private (SecretResult? Result, bool IsToBeJudged) Peek(SecretReference reference, SecretPurpose? purpose)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
            var now = _clock.Timestamp;
            if (!_cache.TryGetValue(reference, out var entry) || entry.Current(now) is not { } current)
            {
                return (null, false);
            }

            entry.LastUsed = now;
            if (entry.IsDueForRefresh(now) && entry.Flight is null)
            {
                _ = Start(reference, purpose, entry, SecretFetchCause.Refresh);   // nobody waits for it, and it never faults
            }

            return (current, entry.IsDueForJudgement(now, _clock));
        }
    }

    /// <summary>Waits for the question that is under way, or puts it, unless somebody got another answer than <paramref name="known"/> meanwhile.</summary>
    private Task<SecretResult> JoinAsync(SecretReference reference, SecretPurpose? purpose, SecretFetchCause cause, SecretResult? known, CancellationToken cancellationToken)
    {
        Task<SecretResult> flight;
        lock (_gate)
        {
            var now = _clock.Timestamp;
            if (Entry(reference, now) is not { } entry)
            {
                return Task.FromResult(SecretResult.Unavailable(
                    $"{_options.MaxCached} other secrets are being fetched at this moment: raise {SecretsOptions.SectionName}:{nameof(SecretsOptions.MaxCached)}."));
            }

            if (entry.Current(now) is { } current && !ReferenceEquals(current, known))
            {
                return Task.FromResult(current);
            }

            flight = entry.Flight ?? Start(reference, purpose, entry, cause);
        }

        return flight.WaitAsync(cancellationToken);
    }

    private CachedSecret? Entry(SecretReference reference, long now)
    {
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        if (!_cache.TryGetValue(reference, out var entry))
        {
            if (_cache.Count >= _options.MaxCached && !MakeRoom())
            {
                return null;
            }

            _cache.Add(reference, entry = new CachedSecret());
        }

        entry.LastUsed = now;
        return entry;
    }

    private bool MakeRoom()
    {
        var idle = _cache.Where(static e => e.Value.Flight is null).OrderBy(static e => e.Value.LastUsed).FirstOrDefault();
        return idle.Value is not null && _cache.Remove(idle.Key);
    }

    private Task<SecretResult> Start(SecretReference reference, SecretPurpose? purpose, CachedSecret entry, SecretFetchCause cause)
    {
        entry.FlightIsForced = cause == SecretFetchCause.Forced;
        return entry.Flight = Task.Run(() => FlyAsync(reference, purpose, entry, cause));
    }

    /// <summary>Belongs to nobody who waits for it: it ends by its own time limits, and never faults.</summary>
    private async Task<SecretResult> FlyAsync(SecretReference reference, SecretPurpose? purpose, CachedSecret entry, SecretFetchCause cause)
    {
        var answer = await _fetcher.FetchAsync(reference, purpose, cause, _stop.Token);
        lock (_gate)
        {
            entry.Flight = null;
            return _stop.IsCancellationRequested ? answer : entry.Absorb(answer, cause, _clock.Timestamp, _clock, _options);
        }
    }

    private void Sweep()
    {
        lock (_gate)
        {
            var now = _clock.Timestamp;
            foreach (var reference in _cache.Where(e => e.Value.IsSpent(now)).Select(e => e.Key).ToArray())
            {
                _cache.Remove(reference);
            }
        }
    }

    private string? Refusal(SecretReference reference, SecretPurpose? purpose) =>
        ReferenceEquals(purpose, SecretPurpose.Installation) ? null : _scopes.Refusal(reference, purpose?.Team);

    private static void ThrowIfEmpty(SecretReference reference)
    {
        if (reference.IsEmpty)
        {
            throw new ArgumentException("An empty secret reference: parse it with SecretReference.TryParse first.", nameof(reference));
        }
    }

    /// <summary>Forgets every secret and ends what is under way.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            _cache.Clear();
            _stop.Cancel();
        }

        _sweep.Dispose();
    }
}
