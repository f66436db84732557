namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>Counts a sandbox's running time and says when it is used up. Time while suspended does not count.</summary>
internal sealed class SandboxClock : IDisposable
{
    private readonly Lock gate = new();
    private readonly TaskCompletionSource due = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private TimeSpan remaining;
    private long runningSince;
    private int suspended;

    public SandboxClock(TimeSpan duration, TimeProvider time)
    {
        this.time = time;
        remaining = duration;
        runningSince = time.GetTimestamp();
        timer = time.CreateTimer(_ => OnTimer(), null, duration, Timeout.InfiniteTimeSpan);
    }

    public Task Due => due.Task;

    public void Suspend()
    {
        lock (gate)
        {
            if (suspended++ == 0)
            {
                remaining -= time.GetElapsedTime(runningSince);
                timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
    }

    public void Resume()
    {
        lock (gate)
        {
            if (suspended > 0 && --suspended == 0)
            {
                runningSince = time.GetTimestamp();
                timer.Change(remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            }
        }
    }

    public void Dispose() => timer.Dispose();

    private void OnTimer()
    {
        lock (gate)
        {
            // A timer that fired while the clock was being suspended has no say; one that fired early waits for the rest.
            var left = remaining - time.GetElapsedTime(runningSince);
            if (suspended > 0)
            {
                return;
            }

            if (left > TimeSpan.Zero)
            {
                timer.Change(left, Timeout.InfiniteTimeSpan);
                return;
            }
        }

        due.TrySetResult();
    }
}
