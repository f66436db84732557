using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Injection.Minting;

/// <summary>
/// Keeps minted credentials for as long as they hold, less a margin. However many calls wait, an endpoint is asked once; teams never share;
/// another secret, reference or setting is another credential. One that a target refuses is dropped and minted once more.
/// </summary>
internal sealed class TokenMint(IMintObserver observer, TimeProvider time) : IDisposable
{
    private const int MostKept = 1_000;
    private static readonly TimeSpan LongestKept = TimeSpan.FromHours(12);
    private static readonly TimeSpan LongestLife = TimeSpan.FromDays(31);
    private static readonly TimeSpan LeastMargin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(15);

    // Neither a target that refuses everything nor a wrong secret makes us flood an endpoint.
    private static readonly TimeSpan RefusedAgain = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FailedAgain = TimeSpan.FromSeconds(5);

    private readonly Dictionary<Key, Entry> _entries = [];
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private long _lastId;

    internal int Count
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>The credential, minted if need be. Cancelling ends this caller's wait only.</summary>
    /// <param name="context">Of what it is made, and for whom.</param>
    /// <param name="mint">Asks the endpoint; throws <see cref="MintException"/>.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public ValueTask<Minted> GetAsync(InjectionContext context, Func<CancellationToken, Task<FreshCredential>> mint, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var key = Key.Of(context);
        Task<Minted> flight;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
            if (!_entries.TryGetValue(key, out var entry))
            {
                MakeRoom();
                _entries.Add(key, entry = new Entry());
            }
            // Whoever is refused while another one is being minted already waits for that.
            var refused = entry.Current is { Id: > 0 } current && context.Refused?.Mint == current.Id
                && (entry.Flight is not null || entry.RefusedAt is not { } last || time.GetElapsedTime(last) >= RefusedAgain);
            if (entry.Current is { } kept && !refused && time.GetElapsedTime(entry.Since) < entry.Good)
                return new(kept);
            if (entry.Flight is null)
            {
                if (refused)
                    entry.RefusedAt = time.GetTimestamp();
                entry.Flight = Task.Run(() => FlyAsync(entry, context, refused, mint), CancellationToken.None);
            }
            flight = entry.Flight;
        }
        return WaitAsync(flight, context.Left, cancellationToken);
    }

    private async ValueTask<Minted> WaitAsync(Task<Minted> flight, TimeSpan left, CancellationToken cancellationToken)
    {
        try
        {
            return await flight.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return new(0, [], "The token endpoint did not answer within the call's time limit.");
        }
    }

    // Belongs to nobody who waits for it: it ends by its own time limit, and never faults.
    private async Task<Minted> FlyAsync(Entry entry, InjectionContext context, bool refused, Func<CancellationToken, Task<FreshCredential>> mint)
    {
        var started = time.GetTimestamp();
        var (fresh, problem) = await AskAsync(context, mint);
        if (!await RecordAsync(context, refused, fresh, problem, time.GetElapsedTime(started)) && fresh is not null)
            (fresh, problem) = (null, "The minting of a token could not be recorded, so it is not used: check the audit database.");
        lock (_gate)
        {
            var minted = fresh is null ? new Minted(0, [], problem) : new Minted(++_lastId, fresh.Values, null);
            (entry.Current, entry.Since, entry.Good, entry.Flight) = (minted, time.GetTimestamp(), fresh is null ? FailedAgain : Good(fresh.Life), null);
            return minted;
        }
    }

    private async Task<(FreshCredential? Fresh, string? Problem)> AskAsync(InjectionContext context, Func<CancellationToken, Task<FreshCredential>> mint)
    {
        var timeout = context.Integration.Limits.Timeout;
        using var limit = new CancellationTokenSource(timeout < LongestWait ? timeout : LongestWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
        try
        {
            var fresh = await mint(either.Token).WaitAsync(either.Token);
            return fresh.Life <= TimeSpan.Zero || fresh.Life > LongestLife
                ? (null, $"The token endpoint gave a token for {fresh.Life.TotalSeconds:0} seconds, which can't be right (0 to 31 days): look at the gateway's clock, and at the endpoint.")
                : (fresh, null);
        }
        catch (MintException e)
        {
            return (null, e.Message);
        }
        catch (OperationCanceledException)
        {
            return (null, _stop.IsCancellationRequested ? "The gateway is stopping." : "The token endpoint did not answer in time.");
        }
        catch (Exception e)
        {
            // The type only: a message may quote what was being read.
            return (null, $"Minting a token failed ({e.GetType().Name}).");
        }
    }

    private async Task<bool> RecordAsync(InjectionContext context, bool refused, FreshCredential? fresh, string? problem, TimeSpan took)
    {
        using var limit = new CancellationTokenSource(LongestWait, time);
        try
        {
            await observer.MintedAsync(new MintEvent
            {
                Caller = context.Caller,
                Integration = context.Integration.Name,
                Scheme = AuthSchemes.Of(context.Integration.Auth.Scheme).Name,
                Reference = context.Integration.Auth.ReferenceFor(context.Write),
                Refused = refused,
                Problem = problem,
                Life = fresh?.Life,
                Duration = took,
            }, limit.Token).AsTask().WaitAsync(limit.Token);
            return true;
        }
        catch (Exception)
        {
            return false;
        }
    }

    // A minute or a tenth of its life before the end, whichever is more; but a short-lived one is used for half of it at least.
    private static TimeSpan Good(TimeSpan life)
    {
        var margin = life / 10 > LeastMargin ? life / 10 : LeastMargin;
        var good = margin < life / 2 ? life - margin : life / 2;
        return good < LongestKept ? good : LongestKept;
    }

    private void MakeRoom()
    {
        foreach (var spent in _entries.Where(e => e.Value.Flight is null && time.GetElapsedTime(e.Value.Since) >= e.Value.Good).Select(e => e.Key).ToArray())
            _entries.Remove(spent);
        if (_entries.Count >= MostKept && _entries.Where(e => e.Value.Flight is null).OrderBy(e => e.Value.Since).FirstOrDefault() is { Key: { } oldest })
            _entries.Remove(oldest);
    }

    /// <summary>Forgets every token and ends what is under way.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _entries.Clear();
            _stop.Cancel();
        }
    }

    private sealed class Entry
    {
        public Minted? Current;
        public long Since;
        public TimeSpan Good;
        public long? RefusedAt;
        public Task<Minted>? Flight;
    }

    private sealed record Key(string Org, string Team, string Integration, string? Owner, string Address, string Identity, string Secrets)
    {
        public static Key Of(InjectionContext context)
        {
            var integration = context.Integration;
            return new(
                context.Caller.Org.Value, context.Caller.Team.Value, integration.Name, integration.Team?.Value, integration.BaseUrl.AbsoluteUri,
                integration.Auth.IdentityFor(context.Write), context.Secrets.Digest());
        }
    }
}
