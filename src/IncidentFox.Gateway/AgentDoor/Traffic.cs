using System.Collections.Concurrent;
using IncidentFox.Core;

namespace IncidentFox.Gateway.AgentDoor;

/// <summary>How much one sandbox may ask at once and per second. Every sandbox has its own measure: none can take another's share.</summary>
internal sealed class Traffic(GatewayOptions options, TimeProvider time)
{
    private const int BurstSeconds = 4;
    private readonly ConcurrentDictionary<SandboxId, Measure> _measures = new();

    /// <summary>Enters; what is returned must be disposed. Null: refused, and why.</summary>
    public IDisposable? TryEnter(SandboxId sandbox, out string problem)
    {
        var measure = _measures.GetOrAdd(sandbox, _ => new Measure(options.RequestsPerSecond * BurstSeconds, time.GetTimestamp()));
        lock (measure)
        {
            var now = time.GetTimestamp();
            var earned = time.GetElapsedTime(measure.At, now).TotalSeconds * options.RequestsPerSecond;
            measure.Tokens = Math.Min(options.RequestsPerSecond * BurstSeconds, measure.Tokens + earned);
            measure.At = now;
            problem = "";
            if (measure.Running >= options.ConcurrentRequests)
                problem = $"More than {options.ConcurrentRequests} requests at once; wait for one to end.";
            else if (measure.Tokens < 1)
                problem = $"More than {options.RequestsPerSecond} requests per second; wait a second.";
            if (problem.Length > 0)
                return null;
            measure.Tokens--;
            measure.Running++;
            return measure;
        }
    }

    /// <summary>Forgets a sandbox that is over.</summary>
    public void Forget(SandboxId sandbox) => _measures.TryRemove(sandbox, out _);

    private sealed class Measure(double tokens, long at) : IDisposable
    {
        public double Tokens { get; set; } = tokens;
        public long At { get; set; } = at;
        public int Running { get; set; }

        public void Dispose()
        {
            lock (this)
                Running--;
        }
    }
}
