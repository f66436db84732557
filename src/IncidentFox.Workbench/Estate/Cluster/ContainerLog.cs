namespace IncidentFox.Workbench.Estate.Cluster;

internal sealed record LogLine(DateTimeOffset Time, string Text);

/// <summary>What one run of a container wrote. Old lines are dropped, as log rotation does.</summary>
internal sealed class ContainerLog(TimeProvider clock)
{
    private const int Limit = 5000;
    private readonly Queue<LogLine> _lines = new();
    private long _dropped;

    /// <summary>The container ended: nothing more will come.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>How many lines were ever written.</summary>
    public long Count
    {
        get
        {
            lock (_lines)
            {
                return _dropped + _lines.Count;
            }
        }
    }

    public void Write(string text)
    {
        lock (_lines)
        {
            _lines.Enqueue(new(clock.GetUtcNow(), text));
            if (_lines.Count > Limit)
            {
                _lines.Dequeue();
                _dropped++;
            }
        }
    }

    public void Close() => IsClosed = true;

    /// <summary>The lines kept, from the given position on.</summary>
    public IReadOnlyList<LogLine> Lines(long from = 0)
    {
        lock (_lines)
        {
            return [.. _lines.Skip((int)Math.Max(0, from - _dropped))];
        }
    }
}

/// <summary>Where the API finds the logs of pods: the kubelet keeps them.</summary>
internal interface IPodLogs
{
    /// <summary>The log of the running (or last) container, or of the one before; null when there is none.</summary>
    ContainerLog? Find(string podUid, string container, bool previous);
}
