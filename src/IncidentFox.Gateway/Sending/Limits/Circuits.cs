using IncidentFox.Core;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Sending.Limits;

/// <summary>
/// Whether targets answer. Two measures for each: that no connection can be made is nobody's fault and holds for everybody; errors and
/// time-outs can be what a sandbox asks for, so they hold for that sandbox alone: none can shut another one out.
/// </summary>
internal sealed class Circuits : IDisposable
{
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan KeepUnused = TimeSpan.FromMinutes(5);

    private readonly Dictionary<Key, Breaker> _breakers = [];
    private readonly Dictionary<Loaded<SandboxId>, Circuit> _known = [];
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ITimer _sweep;

    public Circuits(TimeProvider time)
    {
        _time = time;
        _sweep = time.CreateTimer(static c => ((Circuits)c!).Sweep(), this, SweepEvery, SweepEvery);
    }

    /// <summary>The measures for a call.</summary>
    public Circuit For(Integration integration, SandboxId? sandbox)
    {
        lock (_gate)
        {
            var now = _time.GetTimestamp();
            if (sandbox is not { } asking)
                return new Circuit(Find(integration, null, IsUnreachable), null).Used(now);
            var loaded = new Loaded<SandboxId>(integration, asking);
            if (!_known.TryGetValue(loaded, out var circuit))
                _known.Add(loaded, circuit = new Circuit(Find(integration, null, IsUnreachable), Find(integration, sandbox, IsFailure)));
            return circuit.Used(now);
        }
    }

    private static bool IsUnreachable(UpstreamResult result) => result is UpstreamResult.Failed { MayHaveRun: false, Code: "upstream_unreachable" or "upstream_untrusted" };

    private static bool IsFailure(UpstreamResult result) => result is UpstreamResult.Response { Status: >= 500 }
        or UpstreamResult.Failed { Code: "upstream_unreachable" or "upstream_untrusted" or "upstream_timeout" };

    private Breaker Find(Integration integration, SandboxId? sandbox, Func<UpstreamResult, bool> fails)
    {
        var key = new Key(integration.Name, integration.Team, integration.Origin, sandbox);
        if (!_breakers.TryGetValue(key, out var breaker))
            _breakers.Add(key, breaker = new Breaker(_time, fails));
        return breaker;
    }

    private void Sweep()
    {
        lock (_gate)
        {
            _known.Clear();
            foreach (var key in _breakers.Where(b => _time.GetElapsedTime(b.Value.LastUsed) >= KeepUnused).Select(b => b.Key).ToArray())
                _breakers.Remove(key);
        }
    }

    public void Dispose() => _sweep.Dispose();

    private sealed record Key(string Name, TeamId? Team, string Origin, SandboxId? Sandbox);
}

/// <summary>What holds for one call.</summary>
internal readonly struct Circuit(Breaker everybody, Breaker? sandbox)
{
    /// <summary>The same, remembered a while longer.</summary>
    public Circuit Used(long now)
    {
        everybody.LastUsed = now;
        if (sandbox is not null)
            sandbox.LastUsed = now;
        return this;
    }

    /// <summary>How long nothing is sent; null: it may be.</summary>
    public TimeSpan? OpenFor => everybody.OpenFor ?? sandbox?.OpenFor;

    /// <summary>Sends, unless the one probe that is allowed is under way already.</summary>
    public Task<UpstreamResult> SendAsync(Func<Task<UpstreamResult>> send, Func<TimeSpan, UpstreamResult> open)
    {
        var outer = everybody;
        return sandbox is { } inner ? inner.SendAsync(() => outer.SendAsync(send, open), open) : outer.SendAsync(send, open);
    }

    /// <summary>Nothing is wrong: a call need not ask.</summary>
    public bool IsClosed => everybody.IsClosed && sandbox is null or { IsClosed: true };

    /// <summary>A call that did not ask: its end tells as much as any other's.</summary>
    public UpstreamResult Record(UpstreamResult result)
    {
        everybody.Record(result);
        return result;
    }

    /// <summary>As <see cref="Record"/>, and for the sandbox as well.</summary>
    public UpstreamResult RecordBoth(UpstreamResult result)
    {
        sandbox?.Record(result);
        return Record(result);
    }
}
