using System.Threading.RateLimiting;

namespace IncidentFox.Gateway.Sending.Limits;

/// <summary>So many at once; as many again may wait for a place, in order and not for long.</summary>
internal sealed class Places(int count, TimeProvider time) : IDisposable
{
    private readonly ConcurrencyLimiter _limiter = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = count, QueueLimit = count, QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    private readonly Stack<RateLimitLease> _leases = new();

    public bool IsFree
    {
        get
        {
            lock (_leases)
                return _leases.Count == 0;
        }
    }

    /// <summary>Whether there was a place in time; every one that was given must be given back by <see cref="Release"/>.</summary>
    public async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        var lease = _limiter.AttemptAcquire();
        if (!lease.IsAcquired)
            lease = await QueueAsync(cancellationToken);
        if (!lease.IsAcquired)
            return false;
        lock (_leases)
            _leases.Push(lease);
        return true;
    }

    /// <summary>Gives a place back: all are alike.</summary>
    public void Release()
    {
        RateLimitLease lease;
        lock (_leases)
            lease = _leases.Pop();
        lease.Dispose();
    }

    private async ValueTask<RateLimitLease> QueueAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Capacity.Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            return await _limiter.AcquireAsync(cancellationToken: either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return None.Instance;
        }
    }

    public void Dispose() => _limiter.Dispose();

    private sealed class None : RateLimitLease
    {
        public static readonly None Instance = new();

        public override bool IsAcquired => false;

        public override IEnumerable<string> MetadataNames => [];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = null;
            return false;
        }
    }
}
