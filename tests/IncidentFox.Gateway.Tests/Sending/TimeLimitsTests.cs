using IncidentFox.Gateway.Sending;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Sending;

public sealed class TimeLimitsTests
{
    [Fact]
    public void One_that_did_not_end_its_exchange_serves_the_next_and_nothing_of_the_last_one_hears_of_it()
    {
        using var limits = new TimeLimits(TimeProvider.System);
        var first = limits.Begin(TimeSpan.FromMinutes(1));
        var heard = false;
        first.Token.Register(() => heard = true);
        limits.End(first);
        var second = limits.Begin(TimeSpan.FromMinutes(1));
        Assert.Same(first, second);
        second.Cancel();
        Assert.False(heard);
        limits.End(second);
        var third = limits.Begin(TimeSpan.FromMinutes(1));
        Assert.NotSame(second, third);
        Assert.False(third.IsCancellationRequested);
    }

    [Fact]
    public void Without_time_left_it_has_ended_and_with_another_clock_it_ends_by_that()
    {
        var time = new FakeTimeProvider();
        using var limits = new TimeLimits(time);
        Assert.True(limits.Begin(TimeSpan.FromSeconds(-1)).IsCancellationRequested);
        var limit = limits.Begin(TimeSpan.FromSeconds(5));
        Assert.False(limit.IsCancellationRequested);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(limit.IsCancellationRequested);
        using var real = new TimeLimits(TimeProvider.System);
        Assert.True(real.Begin(TimeSpan.Zero).IsCancellationRequested);
    }
}
