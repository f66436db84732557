namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>A clock that can be set back while the estate's past is made up; afterwards it is the real one.</summary>
internal sealed class MovableClock(TimeProvider real) : TimeProvider
{
    private TimeSpan _offset;

    public override DateTimeOffset GetUtcNow() => real.GetUtcNow() + _offset;

    public override long TimestampFrequency => real.TimestampFrequency;

    public override long GetTimestamp() => real.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        real.CreateTimer(callback, state, dueTime, period);

    public void SetBack(TimeSpan by) => _offset = -by;

    public void Advance(TimeSpan by) => _offset += by;

    public void Now() => _offset = TimeSpan.Zero;
}
