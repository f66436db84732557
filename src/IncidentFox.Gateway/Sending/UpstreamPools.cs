using IncidentFox.Core;
using IncidentFox.Gateway.Injection.Certificates;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Sending;

/// <summary>
/// Connections of reads, kept per integration as it is now: a changed address range, certificate file or base URL gets connections of
/// its own, and those of the old one are closed when they were not used for a while.
/// </summary>
internal sealed class UpstreamPools : IDisposable
{
    private static readonly TimeSpan KeepUnused = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);

    private readonly Dictionary<Key, Pool> _pools = [];
    private readonly Dictionary<Loaded<TeamId>, Pool> _known = [];
    private readonly Lock _gate = new();
    private readonly IHostResolver _resolver;
    private readonly TimeProvider _time;
    private readonly ITimer _sweep;
    private bool _disposed;

    public UpstreamPools(IHostResolver resolver, TimeProvider time)
    {
        _resolver = resolver;
        _time = time;
        _sweep = time.CreateTimer(static pools => ((UpstreamPools)pools!).Sweep(), this, SweepEvery, SweepEvery);
    }

    internal int Count
    {
        get
        {
            lock (_gate)
                return _pools.Count;
        }
    }

    /// <summary>Connections to send reads on, until the lease is disposed.</summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">The integration's certificate file is no good.</exception>
    public UpstreamLease Rent(Integration integration, TeamId team, TlsIdentity? identity)
    {
        // A file or a certificate can be another one at the next call.
        var isSteady = integration.Network.CaFile is null && identity is null;
        var loaded = new Loaded<TeamId>(integration, team);
        var key = isSteady ? null : Key.Of(integration, team, identity);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!isSteady || !_known.TryGetValue(loaded, out var pool))
            {
                key ??= Key.Of(integration, team, identity);
                if (!_pools.TryGetValue(key, out pool))
                    _pools.Add(key, pool = new Pool(new HttpMessageInvoker(UpstreamHandler.Shared(integration, identity, _resolver)), Return));
                if (isSteady)
                    _known.Add(loaded, pool);
            }
            pool.Leases++;
            return new UpstreamLease(pool.Invoker, null, pool.Release);
        }
    }

    /// <summary>A connection for one write.</summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">The integration's certificate file is no good.</exception>
    public UpstreamLease ForOneWrite(Integration integration, TlsIdentity? identity)
    {
        var mark = new WriteMark();
        var invoker = new HttpMessageInvoker(UpstreamHandler.ForOneWrite(integration, identity, _resolver, mark));
        return new UpstreamLease(invoker, mark, invoker.Dispose);
    }

    private void Return(Pool pool)
    {
        lock (_gate)
        {
            pool.Leases--;
            pool.LastUsed = _time.GetTimestamp();
        }
    }

    private void Sweep()
    {
        lock (_gate)
        {
            _known.Clear();
            foreach (var (key, pool) in _pools.Where(p => p.Value.Leases == 0 && _time.GetElapsedTime(p.Value.LastUsed) >= KeepUnused).ToArray())
            {
                _pools.Remove(key);
                pool.Invoker.Dispose();
            }
        }
    }

    /// <summary>Closes what is idle; what is under way ends by itself.</summary>
    public void Dispose()
    {
        _sweep.Dispose();
        lock (_gate)
        {
            _disposed = true;
            foreach (var pool in _pools.Values)
                pool.Invoker.Dispose();
            _pools.Clear();
            _known.Clear();
        }
    }

    private sealed class Pool
    {
        public Pool(HttpMessageInvoker invoker, Action<Pool> release) => (Invoker, Release) = (invoker, () => release(this));

        public HttpMessageInvoker Invoker { get; }

        /// <summary>Ends a lease.</summary>
        public Action Release { get; }

        public int Leases { get; set; }

        public long LastUsed { get; set; }
    }

    // Name and team too: two teams never share a connection, also not to an integration that both may use. Nor do two client certificates.
    private sealed record Key(TeamId User, string? Identity, string Name, string? Team, string Origin, bool Credential, string Ranges, string? CaFile, DateTime CaWritten, MinTls MinTls, string? ServerName, TimeSpan Connect)
    {
        public static Key Of(Integration integration, TeamId team, TlsIdentity? identity) => new(
            team,
            identity?.Key,
            integration.Name,
            integration.Team?.ToString(),
            integration.Origin,
            integration.Auth.Scheme != AuthScheme.None,
            integration.Network.Ranges,
            integration.Network.CaFile,
            integration.Network.CaFile is { } file ? File.GetLastWriteTimeUtc(file) : default,
            integration.Network.MinTls,
            integration.Network.ServerName,
            integration.Limits.ConnectTimeout);
    }
}

/// <summary>Something to send on; disposing gives it back.</summary>
/// <param name="invoker">Sends.</param>
/// <param name="mark">With a write.</param>
/// <param name="release">Called once.</param>
internal sealed class UpstreamLease(HttpMessageInvoker invoker, WriteMark? mark, Action release) : IDisposable
{
    private Action? _release = release;

    public HttpMessageInvoker Invoker { get; } = invoker;

    public WriteMark? Mark { get; } = mark;

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
