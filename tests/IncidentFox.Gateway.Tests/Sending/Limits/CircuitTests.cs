using IncidentFox.Core;
using IncidentFox.Gateway.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Sending.Limits;

public sealed class CircuitTests : IDisposable
{
    private readonly LimitFixture _fixture = new();
    private readonly SandboxId _one = SandboxId.New();
    private readonly SandboxId _other = SandboxId.New();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_target_that_cannot_be_reached_is_left_alone_for_everybody_and_tried_by_one_call_after_a_while()
    {
        var target = LimitFixture.Target();
        _fixture.Answer = _ => Task.FromResult(LimitFixture.Failed("upstream_unreachable"));
        await _fixture.OutcomesAsync(10, target, _one);
        _fixture.Time.Advance(TimeSpan.FromSeconds(1));
        foreach (var sandbox in new[] { _one, _other })
        {
            var open = Assert.IsType<UpstreamResult.Failed>(await _fixture.SendAsync(target, sandbox));
            Assert.Equal(("circuit_open", false), (open.Code, open.MayHaveRun));
            Assert.InRange(open.RetryAfter!.Value.TotalSeconds, 28, 29.5);
            Assert.Contains("29 s", open.Sentence);
        }
        Assert.Equal(10, _fixture.Reached);

        _fixture.Time.Advance(TimeSpan.FromSeconds(30));
        var probing = new TaskCompletionSource<UpstreamResult>();
        _fixture.Answer = _ => probing.Task;
        var probe = _fixture.OutcomeAsync(target, _one);
        Assert.Equal("circuit_open", await _fixture.OutcomeAsync(target, _other));   // one is enough to see
        Assert.Equal(11, _fixture.Reached);
        probing.SetResult(LimitFixture.Status(200));
        Assert.Equal("200", await probe);
        _fixture.Answer = _ => Task.FromResult(LimitFixture.Status(200));
        Assert.Equal("200", await _fixture.OutcomeAsync(target, _other));
    }

    [Fact]
    public async Task A_probe_that_fails_or_is_given_up_keeps_it_closed_off()
    {
        var target = LimitFixture.Target();
        _fixture.Answer = _ => Task.FromResult(LimitFixture.Failed("upstream_unreachable"));
        await _fixture.OutcomesAsync(10, target, _one);
        _fixture.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(["upstream_unreachable", "circuit_open"], await _fixture.OutcomesAsync(2, target, _one));
        _fixture.Time.Advance(TimeSpan.FromSeconds(31));
        _fixture.Answer = _ => throw new OperationCanceledException("whoever asked left");
        await Assert.ThrowsAsync<OperationCanceledException>(() => _fixture.SendAsync(target, _one));
        Assert.Equal("circuit_open", await _fixture.OutcomeAsync(target, _one));
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    public async Task Errors_hold_for_the_sandbox_that_got_them_so_that_none_can_shut_another_one_out(int status)
    {
        var target = LimitFixture.Target();
        _fixture.Answer = _ => Task.FromResult(LimitFixture.Status(status));
        Assert.Equal([.. Enumerable.Repeat($"{status}", 10), "circuit_open"], await _fixture.OutcomesAsync(11, target, _one));
        Assert.Equal($"{status}", await _fixture.OutcomeAsync(target, _other));
    }

    [Fact]
    public async Task Time_outs_count_and_half_of_them_is_enough()
    {
        var target = LimitFixture.Target();
        var n = 0;
        _fixture.Answer = _ => Task.FromResult(n++ % 2 == 0 ? LimitFixture.Failed("upstream_timeout", mayHaveRun: true) : LimitFixture.Status(200));
        var outcomes = await _fixture.OutcomesAsync(12, target, _one);
        Assert.Contains("circuit_open", outcomes);
        Assert.True(outcomes.IndexOf("circuit_open") >= 10);
    }

    [Fact]
    public async Task Refusals_of_the_target_and_of_the_gateway_open_nothing()
    {
        var target = LimitFixture.Target();
        foreach (var result in new[] { LimitFixture.Status(404), LimitFixture.Status(429), LimitFixture.Failed("address_refused"), LimitFixture.Failed("credential_refused") })
        {
            _fixture.Answer = _ => Task.FromResult(result);
            Assert.DoesNotContain("circuit_open", await _fixture.OutcomesAsync(15, target, _one));
            _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        }
    }

    [Fact]
    public async Task Another_team_has_a_circuit_of_its_own_and_what_people_approved_is_tried_whatever_the_circuit_says()
    {
        var target = LimitFixture.Target();
        _fixture.Answer = _ => Task.FromResult(LimitFixture.Failed("upstream_unreachable"));
        await _fixture.OutcomesAsync(10, target, _one);
        Assert.Equal("circuit_open", await _fixture.OutcomeAsync(target, _one));
        Assert.Equal("upstream_unreachable", await _fixture.OutcomeAsync(LimitFixture.Target(team: "search"), _one));
        var approved = LimitFixture.From(null) with { Approval = ApprovalId.New() };
        var failed = Assert.IsType<UpstreamResult.Failed>(await _fixture.Sender.SendAsync(SenderFixture.Delete(target), approved, CancellationToken.None));
        Assert.Equal("upstream_unreachable", failed.Code);
    }
}
