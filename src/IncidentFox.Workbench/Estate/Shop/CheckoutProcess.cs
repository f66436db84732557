using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>
/// Takes orders: asks payments through a connection pool, protects itself by a rate limit, and keeps what could not be
/// confirmed in a spool on the pod's emptyDir, which it reads into memory when it starts.
/// </summary>
internal sealed class CheckoutProcess : ShopProcess
{
    /// <summary>Two pods serve the shop's usual load with room to spare; one alone does not.</summary>
    private const double RequestsPerSecond = 10;
    private const long ReplayBytesPerSecond = 12 * MiB;
    private const long HeapBase = 44 * MiB;
    private static readonly TimeSpan PoolPatience = TimeSpan.FromMilliseconds(250);
    private readonly ShopNetwork _network;
    private readonly RateLimit _limit;
    private DateTimeOffset? _replayBegan;
    private DateTimeOffset _nextReplayLine;

    public CheckoutProcess(ContainerStart start, TimeProvider clock, ShopNetwork network)
        : base(start, clock)
    {
        _network = network;
        _limit = new(RequestsPerSecond, clock);
        Pool = new(clock);
        Log("info", "listening on port 8080");
        if (start.Volume.SpooledBytes > 0)
        {
            Replay($"spool: found {start.Volume.SpooledBytes / MiB} MiB of unconfirmed orders in /var/spool/checkout (emptyDir)");
        }
    }

    public ConnectionPool Pool { get; }

    protected override long MemoryBytes => HeapBase + Replayed + Random.Shared.NextInt64(MiB / 2);

    private long Replayed => _replayBegan is { } began
        ? (long)Math.Min(Pod.Volume.SpooledBytes, (Clock.GetUtcNow() - began).TotalSeconds * ReplayBytesPerSecond) : 0;

    private bool IsShortOfMemory => Pod.MemoryLimit is { } limit && HeapBase + Replayed > limit * 0.8;

    /// <summary>Orders pile up that cannot be confirmed; from now on every start of this pod's container replays them.</summary>
    public void SpoolUp(long bytes)
    {
        Pod.Volume.SpooledBytes = bytes;
        Replay($"spool: {bytes / MiB} MiB of unconfirmed orders in /var/spool/checkout (emptyDir)");
    }

    public void LeakConnections()
    {
        Pool.Leak();
        Log("error", $"payments connection pool exhausted: {ConnectionPool.Size} of {ConnectionPool.Size} in use, 0 idle; connections are not being returned since a response was not closed");
    }

    public override string? ProbeReadiness() => Pool.IsExhausted ? "HTTP probe failed with statuscode: 503" : null;

    public override ContainerExit? Poll(DateTimeOffset now)
    {
        if (_replayBegan is null || Pod.MemoryLimit is not { } limit)
        {
            return null;
        }

        var heap = HeapBase + Replayed;
        if (now >= _nextReplayLine)
        {
            _nextReplayLine = now.AddSeconds(1);
            Log(
                heap > limit * 0.8 ? "warn" : "info",
                $"spool: replaying into memory: {Replayed / MiB} of {Pod.Volume.SpooledBytes / MiB} MiB, heap {heap / MiB} MiB, container limit {limit / MiB} MiB");
        }

        // No last words: the kernel kills without asking.
        return heap >= limit ? ContainerExit.OutOfMemory : null;
    }

    protected override async Task<ShopReply> AnswerAsync(CancellationToken cancellationToken)
    {
        if (IsShortOfMemory)
        {
            await WorkAsync(300, 700, cancellationToken);
            LogRepeated("error", "heap nearly full, refusing an order");
            return new(503, "out of memory budget");
        }

        if (!_limit.TryTake())
        {
            LogRepeated("warn", $"over {RequestsPerSecond:0} orders/s, refusing an order");
            return new(503, "too many orders for this pod");
        }

        if (!await Pool.TryTakeAsync(PoolPatience, cancellationToken))
        {
            LogRepeated("error", $"no connection to payments within {PoolPatience.TotalMilliseconds:0} ms: pool exhausted ({Pool.InUse} in use, 0 idle, {Pool.Waiting} waiting)");
            return new(503, "payments connection pool exhausted");
        }

        try
        {
            return await PayAsync(cancellationToken);
        }
        finally
        {
            Pool.GiveBack();
        }
    }

    protected override IReadOnlyList<Gauge> Gauges() =>
    [
        new("payments_pool_size", "", ConnectionPool.Size),
        new("payments_pool_in_use", "", Pool.InUse),
        new("payments_pool_waiting", "", Pool.Waiting),
        new("checkout_spool_bytes", "", Pod.Volume.SpooledBytes),
    ];

    private async Task<ShopReply> PayAsync(CancellationToken cancellationToken)
    {
        if (_replayBegan is not null)
        {
            await WorkAsync(150, 400, cancellationToken); // busy with the spool
        }

        var reply = await _network.CallAsync("payments", "/", cancellationToken);
        Metrics.Upstream("payments", reply.Outcome);
        if (reply.IsOk)
        {
            return new(200, "order accepted");
        }

        LogRepeated("error", $"call to payments failed: {(reply.Status == 0 ? reply.Text : $"status {reply.Status}")}");
        return new(503, "payments is not available");
    }

    private void Replay(string why)
    {
        Log("warn", $"{why}; replaying them");
        _replayBegan = Clock.GetUtcNow();
    }
}

/// <summary>A token bucket with room for one second.</summary>
internal sealed class RateLimit(double perSecond, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private double _tokens;
    private DateTimeOffset _filled = DateTimeOffset.MinValue;

    public bool TryTake()
    {
        lock (_lock)
        {
            var now = clock.GetUtcNow();
            _tokens = Math.Min(perSecond, _tokens + Math.Max(0, (now - _filled).TotalSeconds) * perSecond);
            _filled = now;
            if (_tokens < 1)
            {
                return false;
            }

            _tokens--;
            return true;
        }
    }
}
