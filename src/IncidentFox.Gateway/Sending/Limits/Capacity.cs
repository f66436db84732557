using IncidentFox.Core;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Sending.Limits;

/// <summary>
/// How much at once and per second, of each integration and of each sandbox at it. Whoever finds every place taken waits a moment, with
/// few others; whoever is too fast is refused at once and told when to come back.
/// </summary>
internal sealed class Capacity : IDisposable
{
    /// <summary>How long a call may wait for a place.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan KeepUnused = TimeSpan.FromMinutes(5);

    private readonly Dictionary<Key, Measure> _measures = [];
    private readonly Dictionary<Loaded<SandboxId>, (Measure Own, Measure Whole)> _known = [];
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ITimer _sweep;

    public Capacity(TimeProvider time)
    {
        _time = time;
        _sweep = time.CreateTimer(static c => ((Capacity)c!).Sweep(), this, SweepEvery, SweepEvery);
    }

    internal int Count
    {
        get
        {
            lock (_gate)
                return _measures.Count;
        }
    }

    /// <summary>A place, to be disposed; or why there is none.</summary>
    public async ValueTask<(IDisposable? Permit, UpstreamResult.Failed? Busy)> EnterAsync(Integration integration, SandboxId? sandbox, CancellationToken cancellationToken)
    {
        var limits = integration.Limits;
        // The sandbox first: what it may not do takes nothing of what others share.
        var (own, whole) = Find(integration, sandbox);
        if (own?.Spend() is { } slower)
            return (null, Busy($"This sandbox asks {integration.Name} more than {limits.PerSandboxPerSecond} times per second.", slower));
        if (own is not null && !await own.Places.WaitAsync(cancellationToken))
            return (null, Busy($"This sandbox has {limits.PerSandboxConcurrent} calls at {integration.Name} under way, which is the most at once; wait for one to end.", Patience));
        if (whole.Spend() is { } wait)
        {
            own?.Places.Release();
            return (null, Busy($"{integration.Name} is asked more than {limits.PerSecond} times per second.", wait));
        }
        try
        {
            if (await whole.Places.WaitAsync(cancellationToken))
                return (new Permit(own, whole), null);
        }
        catch
        {
            own?.Places.Release();
            throw;
        }
        own?.Places.Release();
        return (null, Busy($"{limits.Concurrent} calls at {integration.Name} are under way, which is the most at once.", Patience));
    }

    private static UpstreamResult.Failed Busy(string why, TimeSpan wait) =>
        new("integration_busy", $"{why} Nothing was sent; try again in {Math.Max(1, Math.Ceiling(wait.TotalSeconds)):0} s.", mayHaveRun: false) { RetryAfter = wait };

    private (Measure? Own, Measure Whole) Find(Integration integration, SandboxId? sandbox)
    {
        var limits = integration.Limits;
        lock (_gate)
        {
            if (sandbox is not { } asking)
                return (null, Used(Find(integration, null, limits.Concurrent, limits.PerSecond)));
            var loaded = new Loaded<SandboxId>(integration, asking);
            if (!_known.TryGetValue(loaded, out var both))
            {
                both = (Find(integration, sandbox, limits.PerSandboxConcurrent, limits.PerSandboxPerSecond), Find(integration, null, limits.Concurrent, limits.PerSecond));
                _known.Add(loaded, both);
            }
            return (Used(both.Own), Used(both.Whole));
        }
    }

    private Measure Find(Integration integration, SandboxId? sandbox, int concurrent, int perSecond)
    {
        // Changed limits are another measure.
        var key = new Key(integration.Name, integration.Team, integration.Origin, sandbox, concurrent, perSecond);
        if (!_measures.TryGetValue(key, out var measure))
            _measures.Add(key, measure = new Measure(concurrent, perSecond, _time));
        return measure;
    }

    private Measure Used(Measure measure)
    {
        measure.LastUsed = _time.GetTimestamp();
        return measure;
    }

    private void Sweep()
    {
        lock (_gate)
        {
            _known.Clear();
            foreach (var (key, measure) in _measures.Where(m => m.Value.Places.IsFree && _time.GetElapsedTime(m.Value.LastUsed) >= KeepUnused).ToArray())
            {
                _measures.Remove(key);
                measure.Places.Dispose();
            }
        }
    }

    public void Dispose() => _sweep.Dispose();

    private sealed record Key(string Name, TeamId? Team, string Origin, SandboxId? Sandbox, int Concurrent, int PerSecond);

    private sealed class Measure(int concurrent, int perSecond, TimeProvider time)
    {
        private const int BurstSeconds = 4;
        private readonly Lock _gate = new();
        private double _tokens = perSecond * BurstSeconds;
        private long _at = time.GetTimestamp();

        public Places Places { get; } = new(concurrent, time);

        public long LastUsed { get; set; }

        // Of its own, and not the framework's bucket: that one has no clock that a test could move.
        public TimeSpan? Spend()
        {
            lock (_gate)
            {
                var now = time.GetTimestamp();
                _tokens = Math.Min(perSecond * BurstSeconds, _tokens + (time.GetElapsedTime(_at, now).TotalSeconds * perSecond));
                _at = now;
                if (_tokens < 1)
                    return TimeSpan.FromSeconds((1 - _tokens) / perSecond);
                _tokens--;
                return null;
            }
        }
    }

    private sealed class Permit(Measure? own, Measure whole) : IDisposable
    {
        private int _released;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _released, 1) != 0)
                return;
            whole.Places.Release();
            own?.Places.Release();
        }
    }
}
