using System.Collections.Concurrent;
using IncidentFox.Core;

namespace IncidentFox.Gateway.Execution;

/// <summary>
/// What commands printed, for the agents that wait for it: in this gateway's memory, for a few minutes, and nowhere else. An agent that waits at another gateway
/// learns how the command ended, but not what it printed.
/// </summary>
public sealed class ExecutionOutputs(TimeProvider time)
{
    /// <summary>How long one is kept.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    private const int Most = 100;
    private readonly ConcurrentDictionary<ApprovalId, (string Text, long At)> _outputs = new();

    /// <summary>Keeps one. The oldest go when there are many.</summary>
    public void Put(ApprovalId approval, string output)
    {
        _outputs[approval] = (output, time.GetTimestamp());
        foreach (var (id, _) in _outputs.OrderByDescending(o => o.Value.At).Skip(Most))
            _outputs.TryRemove(id, out _);
        foreach (var (id, _) in _outputs.Where(o => time.GetElapsedTime(o.Value.At) > Kept))
            _outputs.TryRemove(id, out _);
    }

    /// <summary>Null: there is none, or it is not kept any more.</summary>
    public string? Find(ApprovalId approval) => _outputs.TryGetValue(approval, out var output) && time.GetElapsedTime(output.At) <= Kept ? output.Text : null;
}
