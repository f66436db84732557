using IncidentFox.Core.Safety;

namespace IncidentFox.Core.Tests.Safety;

public sealed class StopTests(TestPostgres postgres)
{
    private static readonly TeamId SreTeam = new("sre");
    private static readonly OrgId Acme = new("acme");

    [Theory]
    [InlineData("UADM1", "sre", true)]
    [InlineData("UADM1", "web", false)]
    [InlineData("UADM1", null, false)]
    [InlineData("UOPER", "sre", false)]
    [InlineData("UORG", null, true)]
    [InlineData("UORG", "web", true)]
    public async Task Who_may_order_a_stop(string who, string? team, bool allowed)
    {
        await using var world = await World.CreateAsync(postgres);
        var outcome = await Stops(world).FreezeAsync(await world.WhoAsync(who), Acme, team is null ? null : new TeamId(team), "something is wrong", default);
        Assert.Equal(allowed, outcome.Done);
        Assert.Equal(allowed ? 1 : 0, (await Stops(world).AllInForceAsync(default)).Count);
        Assert.Equal(allowed ? 0 : 1, Assert.Single(await world.Db.QueryAsync<int>("select count(*)::int from app.audit_events where event_type = 'access_denied'")));
    }

    [Fact]
    public async Task Nothing_is_claimed_granted_asked_for_or_started_while_a_stop_is_in_force_and_everything_after()
    {
        await using var world = await World.CreateAsync(postgres);
        var approved = await world.ApprovedAsync();
        var voted = await world.AskAsync(frozen: World.Frozen("checkout-2"));
        Assert.True((await world.ApproveAsync(voted, "UADM1")).Accepted);
        Assert.True((await Stops(world).FreezeAsync(await world.WhoAsync("UADM1"), Acme, SreTeam, "stop", default)).Done);

        Assert.Empty(await world.Execution.FindWorkAsync(10, default));
        Assert.Null(await world.Execution.ClaimAsync(approved, "gateway-1", default));
        await RefusedAsync(() => world.Execution.GrantAsync(voted, default));
        await RefusedAsync(() => world.InvestigateAsync());
        Assert.Equal(ApprovalState.Approved, await world.StateAsync(approved));
        Assert.Equal(ApprovalState.Pending, await world.StateAsync(voted));

        Assert.True((await Stops(world).LiftAsync(await world.WhoAsync("UADM2"), Acme, SreTeam, "it was nothing", default)).Done);
        Assert.NotNull(await world.Execution.ClaimAsync(approved, "gateway-1", default));
        Assert.True(await world.Execution.GrantAsync(voted, default));
        await world.InvestigateAsync();
    }

    [Fact]
    public async Task Even_the_owner_of_the_database_can_not_claim_while_a_stop_is_in_force()
    {
        await using var world = await World.CreateAsync(postgres);
        var approved = await world.ApprovedAsync();
        await Stops(world).FreezeAsync(await world.WhoAsync("UORG"), Acme, null, "stop", default);
        await RefusedAsync(() => world.Db.ExecuteAsync("update app.approvals set status = 'executing' where id = @Value", new { approved.Value }));
    }

    [Fact]
    public async Task A_stop_of_one_team_is_none_of_another()
    {
        await using var world = await World.CreateAsync(postgres);
        var approved = await world.ApprovedAsync();
        Assert.True((await Stops(world).FreezeAsync(await world.WhoAsync("UWEB"), Acme, new TeamId("web"), "ours", default)).Done);
        Assert.NotNull(await world.Execution.ClaimAsync(approved, "gateway-1", default));
    }

    [Fact]
    public async Task After_a_stop_was_ordered_no_claim_commits_whatever_the_order_of_things()
    {
        await using var world = await World.CreateAsync(postgres);
        var olga = await world.WhoAsync("UORG");
        for (var round = 0; round < 12; round++)
        {
            var approved = await world.ApprovedAsync();
            var claim = Task.Run(async () =>
            {
                try
                {
                    return await world.Execution.ClaimAsync(approved, $"gateway-{round}", default) is not null;
                }
                catch (PostgresException e) when (e.SqlState == IncidentFox.Core.Safety.Stops.Refusal)
                {
                    return false;
                }
            });
            Assert.True((await Stops(world).FreezeAsync(olga, Acme, null, "now", default)).Done);
            var atOrder = await world.StateAsync(approved);   // when the order has returned
            var claimed = await claim;
            Assert.Equal(claimed, atOrder == ApprovalState.Executing);
            Assert.Equal(atOrder, await world.StateAsync(approved));
            Assert.True((await Stops(world).LiftAsync(olga, Acme, null, "next", default)).Done);
        }
    }

    [Fact]
    public async Task What_is_open_ends_once_and_what_ended_stays_as_it_was()
    {
        await using var world = await World.CreateAsync(postgres);
        var approved = await world.ApprovedAsync();
        var running = await world.InvestigateAsync();
        Assert.True((await Stops(world).FreezeAsync(await world.WhoAsync("UADM1"), Acme, SreTeam, "stop", default)).Done);
        var enforcement = new StopEnforcement(world.Db.Bot, world.Investigations, world.Voting);

        var ended = await Task.WhenAll(enforcement.RunAsync(default), enforcement.RunAsync(default));

        Assert.Equal(2, ended.Sum(e => e.Investigations));
        Assert.Equal(1, ended.Sum(e => e.Approvals));
        Assert.Equal(ApprovalState.Cancelled, await world.StateAsync(approved));
        Assert.Equal(InvestigationState.Stopped, (await world.Investigations.FindAsync(running, default))!.State);
        Assert.Equal(new Enforced(0, 0), await enforcement.RunAsync(default));
        Assert.Equal(1, Assert.Single(await world.Db.QueryAsync<int>("select count(*)::int from app.audit_events where event_type = 'approval_cancelled'")));
    }

    [Fact]
    public async Task A_sandbox_of_a_team_that_is_stopped_has_no_session()
    {
        await using var world = await World.CreateAsync(postgres);
        var sandbox = (await world.Investigations.TryStartAsync(await world.InvestigateAsync(), "local", default))!.Value;
        Assert.NotNull(await world.Sessions.FindAsync(sandbox, default));
        await Stops(world).FreezeAsync(await world.WhoAsync("UADM1"), Acme, SreTeam, "stop", default);
        Assert.Null(await world.Sessions.FindAsync(sandbox, default));
    }

    [Fact]
    public async Task Safe_mode_is_left_by_an_org_admin_with_a_reason_and_by_nobody_else()
    {
        await using var world = await World.CreateAsync(postgres);
        var gateway = new IncidentFox.Core.Safety.Stops(world.Db.Gateway, world.GatewayAudit);
        Assert.True(await gateway.EnterSafeModeAsync("the database is older than the head file", [], default));
        Assert.False(await gateway.EnterSafeModeAsync("again", [], default));
        Assert.Equal(StopKind.SafeMode, Assert.Single(await Stops(world).InForceAsync(World.Sre, default)).Kind);
        Assert.Contains("org_admin", (await Stops(world).LiftAsync(await world.WhoAsync("UADM1"), Acme, null, "let me", default)).Message);
        Assert.Contains("Say why", (await Stops(world).LiftAsync(await world.WhoAsync("UORG"), Acme, null, "  ", default)).Message);
        Assert.Contains("There is no freeze", (await Stops(world).LiftAsync(await world.WhoAsync("UADM1"), Acme, SreTeam, "mine only", default)).Message);
        Assert.Single(await Stops(world).AllInForceAsync(default));
        Assert.True((await Stops(world).LiftAsync(await world.WhoAsync("UORG"), Acme, null, "restored on purpose", default)).Done);
        Assert.Empty(await Stops(world).AllInForceAsync(default));
    }

    [Fact]
    public async Task The_gateway_can_order_a_stop_and_never_lift_one()
    {
        await using var world = await World.CreateAsync(postgres);
        await Stops(world).FreezeAsync(await world.WhoAsync("UORG"), Acme, null, "stop", default);
        await using var connection = await world.Db.Gateway.OpenAsync(default);
        Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => connection.ExecuteAsync("update app.stops set lifted_at = now()"))).SqlState);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData(null)]
    public async Task A_reason_that_is_none_or_too_long_orders_nothing(string? reason)
    {
        await using var world = await World.CreateAsync(postgres);
        var outcome = await Stops(world).FreezeAsync(await world.WhoAsync("UORG"), Acme, null, reason ?? new string('x', 100_000), default);
        Assert.False(outcome.Done);
        Assert.Empty(await Stops(world).AllInForceAsync(default));
    }

    private static Stops Stops(World world) => new(world.Db.Bot, world.BotAudit);

    private static async Task RefusedAsync(Func<Task> start) =>
        Assert.Equal(IncidentFox.Core.Safety.Stops.Refusal, (await Assert.ThrowsAsync<PostgresException>(start)).SqlState);
}
