using System.Text.Json.Nodes;

namespace IncidentFox.Core.Tests.Approvals;

public sealed class ApprovalExecutionTests(TestPostgres postgres)
{
    [Fact]
    public async Task The_same_request_joins_the_open_approval_and_another_one_does_not()
    {
        await using var world = await World.CreateAsync(postgres);
        var investigation = await world.InvestigateAsync();
        var asked = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => world.Execution.RequestAsync(World.Asking(investigation), default)));
        Assert.Single(asked.Select(a => a.Id).Distinct());
        Assert.Single(asked, a => !a.Joined);
        Assert.False((await world.Execution.RequestAsync(World.Asking(investigation, frozen: World.Frozen("other")), default)).Joined);
        Assert.False((await world.Execution.RequestAsync(World.Asking(await world.InvestigateAsync()), default)).Joined);
        await world.DenyAsync(asked[0].Id, "UADM1");
        Assert.False((await world.Execution.RequestAsync(World.Asking(investigation), default)).Joined);
    }

    [Fact]
    public async Task The_quorum_is_counted_with_roles_and_requesters_as_they_are_then()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync(new Workflow { RequiredApprovers = 2 });
        await world.ApproveAsync(id, "UADM1");
        await world.ApproveAsync(id, "UADM2");
        await world.Db.ExecuteAsync("delete from app.role_grants where person_id = @Value", new { (await world.WhoAsync("UADM2")).Person.Value });
        Assert.False(await world.Execution.GrantAsync(id, default));
        await world.ApproveAsync(id, "UADM3");
        await world.Db.ExecuteAsync("insert into app.investigation_requesters (investigation_id, person_id) select investigation_id, @Value from app.approvals", new { (await world.WhoAsync("UADM3")).Person.Value });
        Assert.False(await world.Execution.GrantAsync(id, default));
        await world.ApproveAsync(id, "UORG");
        Assert.True(await world.Execution.GrantAsync(id, default));
        Assert.Equal("ada@acme.test, olga@acme.test", Assert.Single(await world.Db.QueryAsync<string>("select user_id from app.audit_events where event_type = 'approval_granted'")));
    }

    [Fact]
    public async Task A_grant_that_ran_out_does_not_count()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        await world.ApproveAsync(id, "UADM1");
        await world.Db.ExecuteAsync("update app.role_grants set expires_at = app.clock()");
        Assert.False(await world.Execution.GrantAsync(id, default));
    }

    [Fact]
    public async Task Twenty_claims_at_once_have_one_winner_and_one_audit_row()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.ApprovedAsync();
        await using var alive = await world.Db.Gateway.OpenAsync(default);
        await alive.ExecuteAsync("select pg_advisory_lock(hashtextextended('gateway-' || i, 0)) from generate_series(0, 19) i");
        var claims = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => world.Execution.ClaimAsync(id, $"gateway-{i}", default)));
        var claim = Assert.Single(claims, c => c is not null)!;
        Assert.Equal(1, claim.Attempt);
        Assert.Equal(World.Frozen().Digest(), claim.Frozen.Digest());
        Assert.Single(await world.AuditedAsync(id), e => e == "tool_requested");
    }

    [Fact]
    public async Task A_denial_between_the_quorum_and_the_claim_wins()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.ApprovedAsync();
        Assert.True((await world.DenyAsync(id, "UADM2")).Accepted);
        Assert.Null(await world.Execution.ClaimAsync(id, "me", default));
        Assert.DoesNotContain("tool_requested", await world.AuditedAsync(id));
    }

    [Fact]
    public async Task After_the_claim_a_denial_comes_too_late()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.ApprovedAsync();
        Assert.NotNull(await world.Execution.ClaimAsync(id, "me", default));
        Assert.False((await world.DenyAsync(id, "UADM2")).Accepted);
        Assert.Equal(ApprovalState.Executing, await world.StateAsync(id));
    }

    [Fact]
    public async Task A_living_owner_keeps_its_claim_until_the_lease_runs_out_and_a_dead_one_loses_it_at_once()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.ApprovedAsync();
        await using (var alive = await world.Db.Gateway.OpenAsync(default))
        {
            await alive.ExecuteAsync("select pg_advisory_lock(hashtextextended('first', 0))");
            var claim = (await world.Execution.ClaimAsync(id, "first", default))!;
            Assert.Empty(await world.Execution.FindWorkAsync(10, default));
            Assert.Null(await world.Execution.ClaimAsync(id, "second", default));
            Assert.False(await world.Execution.GiveUpAsync(id, "x", default));
            await world.Db.ShiftClockAsync(ApprovalExecution.Lease + TimeSpan.FromSeconds(1));
            Assert.Single(await world.Execution.FindWorkAsync(10, default));
            Assert.True(await world.Execution.RenewAsync(id, "first", default));
            Assert.Empty(await world.Execution.FindWorkAsync(10, default));
            Assert.False(await world.Execution.RenewAsync(id, "second", default));
            await alive.ExecuteAsync("select pg_advisory_unlock_all()");
        }
        Assert.Single(await world.Execution.FindWorkAsync(10, default));
        var second = (await world.Execution.ClaimAsync(id, "second", default))!;
        Assert.Equal(2, second.Attempt);
        Assert.False(await world.Execution.RenewAsync(id, "first", default));
    }

    [Fact]
    public async Task Only_the_owner_of_the_last_attempt_writes_how_it_ended_and_only_once()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.ApprovedAsync();
        var first = (await world.Execution.ClaimAsync(id, "me", default))!;
        var second = (await world.Execution.ClaimAsync(id, "me", default))!;   // nobody holds the name: abandoned
        Task<bool> Finish(ClaimedExecution claim, string owner) =>
            world.Execution.FinishAsync(claim, owner, ApprovalState.Executed, "ran\0", TimeSpan.FromSeconds(1), [], default);
        Assert.False(await Finish(first, "me"));
        Assert.False(await Finish(second, "other"));
        Assert.True(await Finish(second, "me"));
        Assert.False(await Finish(second, "me"));
        Assert.Single(await world.AuditedAsync(id), e => e == "tool_executed");
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => world.Execution.FinishAsync(second, "me", ApprovalState.Denied, "", default, [], default));
        Assert.Equal(new[] { "approval_requested", "approval_voted", "approval_granted", "tool_requested", "tool_requested", "tool_executed" }, await world.AuditedAsync(id));
    }

    [Theory]
    [InlineData("frozen = set_byte(frozen, 40, 1 + get_byte(frozen, 40) % 200)")]
    [InlineData("frozen = '\\x'")]
    [InlineData("digest = decode(repeat('00', 32), 'hex')")]
    public async Task What_was_tampered_with_is_not_claimed(string tampering)
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.ApprovedAsync();
        await world.Db.ExecuteAsync($"alter table app.approvals disable trigger guard; update app.approvals set {tampering}; alter table app.approvals enable trigger guard");
        await Assert.ThrowsAsync<InvalidOperationException>(() => world.Execution.ClaimAsync(id, "me", default));
        await Assert.ThrowsAsync<InvalidOperationException>(() => world.Execution.ReadFrozenAsync(id, default));
        Assert.Equal(ApprovalState.Approved, await world.StateAsync(id));
        Assert.True(await world.Execution.RefuseAsync(id, "can't be read", default));
        Assert.Equal(ApprovalState.Denied, await world.StateAsync(id));
    }

    [Fact]
    public async Task A_frozen_call_moved_from_another_approval_does_not_open()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.ApprovedAsync();
        var other = await world.AskAsync(frozen: World.Frozen("other"));
        await world.Db.ExecuteAsync(
            """
            alter table app.approvals disable trigger guard;
            update app.approvals a set frozen = b.frozen, digest = b.digest from app.approvals b where a.id = @a and b.id = @b
            """, new { a = id.Value, b = other.Value });
        await Assert.ThrowsAsync<InvalidOperationException>(() => world.Execution.ClaimAsync(id, "me", default));
    }

    [Fact]
    public async Task An_abandoned_execution_that_can_not_be_read_ends_as_unknown()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.ApprovedAsync();
        Assert.False(await world.Execution.GiveUpAsync(id, "x", default));
        await world.Execution.ClaimAsync(id, "gone", default);
        Assert.True(await world.Execution.GiveUpAsync(id, "can't be read", default));
        Assert.Equal(ApprovalState.Unknown, await world.StateAsync(id));
        Assert.Equal("unknown", Assert.Single(await world.Db.QueryAsync<string>("select status from app.audit_events where event_type = 'tool_executed'")));
    }
}
