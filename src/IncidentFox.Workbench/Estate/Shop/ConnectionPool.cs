namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>
/// checkout's connections to payments. Once it leaks, what is taken is not given back; only the other side's idle
/// time-out frees a few now and then, so the pod is back in rotation for moments and fails again.
/// </summary>
internal sealed class ConnectionPool(TimeProvider clock)
{
    public const int Size = 16;
    private static readonly TimeSpan ReapInterval = TimeSpan.FromSeconds(30);
    private const int ReapedAtOnce = 2;
    private readonly Lock _lock = new();
    private int _inUse;
    private int _waiting;
    private bool _leaks;
    private DateTimeOffset _nextReap;

    public int InUse
    {
        get
        {
            lock (_lock)
            {
                Reap();
                return _inUse;
            }
        }
    }

    public int Waiting => Volatile.Read(ref _waiting);

    public bool IsExhausted => InUse >= Size;

    /// <summary>Every connection is taken and stays so.</summary>
    public void Leak()
    {
        lock (_lock)
        {
            _leaks = true;
            _inUse = Size;
            _nextReap = clock.GetUtcNow() + ReapInterval;
        }
    }

    /// <summary>Takes a connection, waiting a little for one; false when there is none.</summary>
    public async Task<bool> TryTakeAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        if (TryTake())
        {
            return true;
        }

        Interlocked.Increment(ref _waiting);
        try
        {
            await Task.Delay(patience, clock, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        return TryTake();
    }

    public void GiveBack()
    {
        lock (_lock)
        {
            _inUse -= _leaks ? 0 : 1;
        }
    }

    private bool TryTake()
    {
        lock (_lock)
        {
            Reap();
            if (_inUse >= Size)
            {
                return false;
            }

            _inUse++;
            return true;
        }
    }

    private void Reap()
    {
        if (_leaks && clock.GetUtcNow() >= _nextReap)
        {
            _inUse -= Math.Min(_inUse, ReapedAtOnce);
            _nextReap = clock.GetUtcNow() + ReapInterval;
        }
    }
}
