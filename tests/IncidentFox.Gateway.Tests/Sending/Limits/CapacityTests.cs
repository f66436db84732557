using IncidentFox.Core;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Sending.Limits;

public sealed class CapacityTests : IDisposable
{
    private static readonly LimitSettings Generous = new() { Concurrent = 1_000, PerSecond = 1_000, PerSandboxConcurrent = 1_000, PerSandboxPerSecond = 1_000 };

    private readonly LimitFixture _fixture = new();
    private readonly SandboxId _one = SandboxId.New();
    private readonly SandboxId _other = SandboxId.New();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_sandbox_that_asks_too_fast_is_refused_with_when_to_try_again_and_another_one_is_not()
    {
        var target = LimitFixture.Target(Generous with { PerSandboxPerSecond = 2 });
        Assert.All(await _fixture.OutcomesAsync(8, target, _one), o => Assert.Equal("200", o));
        var busy = Assert.IsType<UpstreamResult.Failed>(await _fixture.SendAsync(target, _one));
        Assert.Equal(("integration_busy", false), (busy.Code, busy.MayHaveRun));
        Assert.Equal(TimeSpan.FromSeconds(0.5), busy.RetryAfter);
        Assert.Equal(8, _fixture.Reached);
        Assert.Equal("200", await _fixture.OutcomeAsync(target, _other));
        _fixture.Time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Equal(["200", "integration_busy"], await _fixture.OutcomesAsync(2, target, _one));
    }

    [Fact]
    public async Task An_integration_is_asked_no_faster_than_it_bears_by_all_sandboxes_together()
    {
        var target = LimitFixture.Target(Generous with { PerSecond = 1 });
        Assert.Equal(["200", "200"], await _fixture.OutcomesAsync(2, target, _one));
        Assert.Equal(["200", "200", "integration_busy"], await _fixture.OutcomesAsync(3, target, _other));
    }

    [Fact]
    public async Task No_more_calls_are_under_way_than_there_are_places_and_a_place_is_free_only_when_the_answer_was_read()
    {
        var target = LimitFixture.Target(Generous with { Concurrent = 1 });
        var first = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(target, _one));
        var waiting = _fixture.OutcomeAsync(target, _other);
        Assert.Equal("integration_busy", await _fixture.OutcomeAsync(target, _other));   // as many may wait as there are places
        Assert.False(waiting.IsCompleted);
        Assert.Equal(1, _fixture.Reached);
        await first.DisposeAsync();
        Assert.Equal("200", await waiting);
        await first.DisposeAsync();   // twice gives nothing away
        await using var held = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(target, _one));
        var late = _fixture.OutcomeAsync(target, _other);
        Assert.False(late.IsCompleted);
        _fixture.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("integration_busy", await late);
    }

    [Fact]
    public async Task A_sandbox_takes_only_its_own_places()
    {
        var target = LimitFixture.Target(Generous with { Concurrent = 10, PerSandboxConcurrent = 1 });
        await using var mine = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(target, _one));
        var waiting = _fixture.OutcomeAsync(target, _one);
        Assert.False(waiting.IsCompleted);
        Assert.Equal("200", await _fixture.OutcomeAsync(target, _other));
        _fixture.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("integration_busy", await waiting);
    }

    [Fact]
    public async Task A_call_that_fails_throws_or_is_given_up_gives_its_place_back()
    {
        var target = LimitFixture.Target(Generous with { Concurrent = 1, PerSandboxConcurrent = 1 });
        _fixture.Answer = _ => Task.FromResult(LimitFixture.Failed("response_refused"));
        Assert.Equal("response_refused", await _fixture.OutcomeAsync(target, _one));
        _fixture.Answer = _ => throw new InvalidOperationException("a bug");
        await Assert.ThrowsAsync<InvalidOperationException>(() => _fixture.SendAsync(target, _one));
        using var patience = new CancellationTokenSource();
        _fixture.Answer = async token =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return LimitFixture.Status(200);
        };
        var sending = _fixture.SendAsync(target, _one, patience.Token);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        _fixture.Answer = _ => Task.FromResult(LimitFixture.Status(200));
        Assert.Equal("200", await _fixture.OutcomeAsync(target, _one));
    }

    [Fact]
    public async Task Whoever_waits_and_leaves_leaves_no_gap()
    {
        var target = LimitFixture.Target(Generous with { Concurrent = 1 });
        var first = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(target, _one));
        using var patience = new CancellationTokenSource();
        var waiting = _fixture.SendAsync(target, _other, patience.Token);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await first.DisposeAsync();
        Assert.Equal("200", await _fixture.OutcomeAsync(target, _other));
    }

    [Fact]
    public async Task What_people_approved_is_not_kept_waiting_by_an_agent()
    {
        var target = LimitFixture.Target(new LimitSettings { Concurrent = 1, PerSecond = 1, PerSandboxConcurrent = 1, PerSandboxPerSecond = 1 });
        await using var held = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(target, _one));
        var approved = LimitFixture.From(null) with { Approval = ApprovalId.New() };
        Assert.IsType<UpstreamResult.Response>(await _fixture.Sender.SendAsync(SenderFixture.Delete(target), approved, CancellationToken.None));
    }

    [Fact]
    public async Task Many_at_once_never_exceed_the_places()
    {
        var target = LimitFixture.Target(Generous with { Concurrent = 4 });
        var (now, most) = (0, 0);
        _fixture.Answer = async _ =>
        {
            var running = Interlocked.Increment(ref now);
            InterlockedMax(ref most, running);
            await Task.Yield();
            Interlocked.Decrement(ref now);
            return LimitFixture.Status(200);
        };
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => Task.Run(() => _fixture.OutcomeAsync(target, _one))));
        Assert.All(outcomes, o => Assert.True(o is "200" or "integration_busy"));
        Assert.InRange(most, 1, 4);
        Assert.Equal("200", await _fixture.OutcomeAsync(target, _one));
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); seen < value && Interlocked.CompareExchange(ref most, value, seen) != seen;)
            seen = Volatile.Read(ref most);
    }
}
