using IncidentFox.Bot.Sandboxes.Local;
using Microsoft.Extensions.Time.Testing;

namespace IncidentFox.Bot.Tests.Sandboxes;

public sealed class SandboxClockTests
{
    private readonly FakeTimeProvider time = new();

    [Fact]
    public void Time_is_used_up_after_exactly_the_duration()
    {
        using var clock = new SandboxClock(TimeSpan.FromMinutes(15), time);
        time.Advance(TimeSpan.FromMinutes(15) - TimeSpan.FromMilliseconds(1));
        Assert.False(clock.Due.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(clock.Due.IsCompletedSuccessfully);
    }

    [Fact]
    public void Suspensions_nest_and_only_the_last_resume_counts()
    {
        using var clock = new SandboxClock(TimeSpan.FromMinutes(1), time);
        clock.Suspend();
        clock.Suspend();
        clock.Resume();
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(clock.Due.IsCompleted);
        clock.Resume();
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(clock.Due.IsCompleted);
    }

    [Fact]
    public void A_resume_without_a_suspension_gives_no_time()
    {
        using var clock = new SandboxClock(TimeSpan.FromMinutes(1), time);
        time.Advance(TimeSpan.FromSeconds(30));
        clock.Resume();
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.True(clock.Due.IsCompleted);
    }

    [Fact]
    public void Many_short_suspensions_do_not_win_running_time()
    {
        using var clock = new SandboxClock(TimeSpan.FromMinutes(1), time);
        for (var i = 0; i < 60; i++)
        {
            Assert.False(clock.Due.IsCompleted);
            clock.Suspend();
            time.Advance(TimeSpan.FromMinutes(1));
            clock.Resume();
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.True(clock.Due.IsCompleted);
    }
}
