using System.Collections.Concurrent;

namespace IncidentFox.Gateway.Sending;

/// <summary>Time limits of exchanges. One that did not end its exchange serves another one: its timer costs more to make than to set.</summary>
internal sealed class TimeLimits(TimeProvider time) : IDisposable
{
    private const int MostAtRest = 64;
    private readonly ConcurrentQueue<CancellationTokenSource> _atRest = [];

    /// <summary>What ends after that time; at once when there is none left.</summary>
    public CancellationTokenSource Begin(TimeSpan left)
    {
        if (left <= TimeSpan.Zero || time != TimeProvider.System)
            return new(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
        if (!_atRest.TryDequeue(out var limit))
            limit = new();
        limit.CancelAfter(left);
        return limit;
    }

    /// <summary>Nobody needs it any more, nor ends it.</summary>
    public void End(CancellationTokenSource limit)
    {
        if (_atRest.Count < MostAtRest && time == TimeProvider.System && limit.TryReset())
            _atRest.Enqueue(limit);
        else
            limit.Dispose();
    }

    public void Dispose()
    {
        while (_atRest.TryDequeue(out var limit))
            limit.Dispose();
    }
}
