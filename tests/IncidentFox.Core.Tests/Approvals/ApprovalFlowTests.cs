namespace IncidentFox.Core.Tests.Approvals;

// What people can do besides yes and no.
public sealed class ApprovalFlowTests(TestPostgres postgres)
{
    private static readonly Workflow Glass = new() { RequiredApprovers = 2, BreakGlass = true };

    private static Approver Named(string text) => Approver.TryParse(text, out var approver) ? approver : throw new ArgumentException(text, nameof(text));

    private static async Task<VoteResult> WithdrawAsync(World world, ApprovalId id, string slack) =>
        await world.Voting.WithdrawAsync(id, await world.WhoAsync(slack), $"T1:{slack}", default);

    private static async Task<VoteResult> BreakAsync(World world, ApprovalId id, string slack, string reason = "checkout is down and I am alone") =>
        await world.Glass.BreakAsync(id, await world.WhoAsync(slack), $"T1:{slack}", reason, default);

    private static async Task<VoteResult> CloseAsync(World world, ApprovalId id, string slack, string note = "right so") =>
        await world.Glass.CloseAsync(id, await world.WhoAsync(slack), $"T1:{slack}", note, default);

    [Fact]
    public async Task A_vote_that_was_taken_back_does_not_count_until_it_is_given_again()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        await world.ApproveAsync(id, "UADM1");
        Assert.True((await WithdrawAsync(world, id, "UADM1")).Accepted);
        Assert.Empty((await world.Reader.FindAsync(id, default))!.Votes);
        Assert.Empty(await world.Execution.FindWorkAsync(10, default));
        Assert.False(await world.Execution.GrantAsync(id, default));
        Assert.False((await WithdrawAsync(world, id, "UADM1")).Accepted);
        Assert.False((await WithdrawAsync(world, id, "UADM2")).Accepted);
        Assert.False((await world.Voting.WithdrawAsync(id, null, "T1:U9", default)).Accepted);
        await world.ApproveAsync(id, "UADM1");
        Assert.True(await world.Execution.GrantAsync(id, default));
        Assert.Contains("deny it", (await WithdrawAsync(world, id, "UADM1")).Message, StringComparison.Ordinal);
        Assert.Equal(
            new[] { "approval_requested", "approval_voted", "approval_vote_withdrawn", "approval_refused", "approval_refused", "approval_refused", "approval_voted", "approval_granted", "approval_refused" },
            await world.AuditedAsync(id));
    }

    [Fact]
    public async Task Of_taking_back_and_counting_at_once_one_is_first_and_the_other_sees_it()
    {
        await using var world = await World.CreateAsync(postgres);
        for (var round = 0; round < 6; round++)
        {
            var id = await world.AskAsync(frozen: World.Frozen($"pod-{round}"));
            await world.ApproveAsync(id, "UADM1");
            var back = WithdrawAsync(world, id, "UADM1");
            var granted = world.Execution.GrantAsync(id, default);
            Assert.NotEqual((await back).Accepted, await granted);
        }
    }

    [Fact]
    public async Task An_approval_keeps_its_reason_whatever_it_holds()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        Assert.True((await world.Voting.ApproveAsync(id, await world.WhoAsync("UADM1"), "x", default, "because\0 " + new string('x', 100_000))).Accepted);
        var vote = Assert.Single((await world.Reader.FindAsync(id, default))!.Votes);
        Assert.StartsWith("because\uFFFD", vote.Reason, StringComparison.Ordinal);
        Assert.InRange(vote.Reason!.Length, 500, 502);
    }

    [Fact]
    public async Task Who_asked_calls_it_off_and_nobody_else_can()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        Assert.False((await world.Voting.CancelAsync(id, await world.WhoAsync("UADM1"), "x", "", default)).Accepted);
        Assert.False((await world.Voting.CancelAsync(id, null, "x", "", default)).Accepted);
        Assert.False((await world.Voting.CancelAsync(ApprovalId.New(), await world.WhoAsync("UOPER"), "x", "", default)).Accepted);
        await world.ApproveAsync(id, "UADM1");
        Assert.True(await world.Execution.GrantAsync(id, default));
        Assert.True((await world.Voting.CancelAsync(id, await world.WhoAsync("UOPER"), "x", "fixed itself", default)).Accepted);
        Assert.Null(await world.Execution.ClaimAsync(id, "me", default));
        var cancelled = (await world.Reader.FindAsync(id, default))!;
        Assert.Equal((ApprovalState.Cancelled, "Otto Operator", "fixed itself"), (cancelled.State, cancelled.DecidedBy, cancelled.DecisionReason));
        Assert.Equal("approval_cancelled", (await world.AuditedAsync(id))[^1]);
    }

    [Fact]
    public async Task On_call_counts_while_it_was_confirmed_lately_and_at_the_quorum_too()
    {
        await using var world = await World.CreateAsync(postgres);
        var vera = await world.WhoAsync("UVIEW");
        Task OnCall(string when) => world.Db.ExecuteAsync(
            $"insert into app.on_call_people (org_id, schedule, person_id, as_of) values ('acme', 'pagerduty/P1', @Value, app.clock() - interval '{when}') on conflict (org_id, schedule, person_id) do update set as_of = excluded.as_of",
            new { vera.Person.Value });
        await OnCall("1 minute");
        var id = await world.AskAsync(new Workflow { Approvers = [Named("oncall:pagerduty/P1")] });
        Assert.False((await world.ApproveAsync(id, "UADM1")).Accepted);
        Assert.True((await world.ApproveAsync(id, "UVIEW")).Accepted);
        await OnCall("31 minutes");
        Assert.False(await world.Execution.GrantAsync(id, default));
        await OnCall("1 minute");
        Assert.True(await world.Execution.GrantAsync(id, default));
    }

    [Theory]
    [InlineData("group:@sre-leads")]
    [InlineData("group:S0LEADS")]
    public async Task A_group_counts_while_its_members_were_confirmed_lately(string group)
    {
        await using var world = await World.CreateAsync(postgres);
        var vera = await world.WhoAsync("UVIEW");
        await world.Db.ExecuteAsync("insert into app.slack_group_members (org_id, group_id, handle, person_id) values ('acme', 'S0LEADS', 'sre-leads', @Value)", new { vera.Person.Value });
        var id = await world.AskAsync(new Workflow { Approvers = [Named(group)], TimeoutMinutes = 60 });
        Assert.True((await world.ApproveAsync(id, "UVIEW")).Accepted);
        await world.Db.ShiftClockAsync(TimeSpan.FromMinutes(16));
        Assert.False(await world.Execution.GrantAsync(id, default));
        await world.Db.ExecuteAsync("update app.slack_group_members set as_of = app.clock()");
        Assert.True(await world.Execution.GrantAsync(id, default));
    }

    [Fact]
    public async Task A_step_of_escalation_lets_more_people_in_by_the_databases_clock()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync(new Workflow { RequiredApprovers = 2, Approvers = [Named("ada@acme.test"), Named("UADM2")], Escalation = [new EscalationStep(10, [Named("vera@acme.test")], null)] });
        Assert.True((await world.ApproveAsync(id, "UADM1")).Accepted);
        Assert.False((await world.ApproveAsync(id, "UVIEW")).Accepted);
        await world.Db.ShiftClockAsync(TimeSpan.FromMinutes(10));
        Assert.False(await world.Execution.GrantAsync(id, default));
        Assert.True((await world.ApproveAsync(id, "UVIEW")).Accepted);
        Assert.True(await world.Execution.GrantAsync(id, default));
    }

    [Fact]
    public async Task An_admin_acts_alone_in_front_of_everybody_and_another_one_closes_the_review()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync(Glass);
        Assert.True((await BreakAsync(world, id, "UADM1")).Accepted);
        Assert.Equal([(id, ApprovalState.Pending)], await world.Execution.FindWorkAsync(10, default));
        Assert.True(await world.Execution.GrantAsync(id, default));
        Assert.NotNull(await world.Execution.ClaimAsync(id, "me", default));
        Assert.Equal(new[] { "approval_requested", "approval_break_glass", "approval_granted", "tool_requested" }, await world.AuditedAsync(id));
        Assert.Equal("break_glass", Assert.Single(await world.Db.QueryAsync<string>("select details ->> 'decision' from app.audit_events where event_type = 'approval_granted'")));

        Assert.False((await CloseAsync(world, id, "UADM1")).Accepted);
        Assert.False((await CloseAsync(world, id, "UOPER")).Accepted);
        Assert.False((await CloseAsync(world, id, "UWEB")).Accepted);
        Assert.False((await CloseAsync(world, id, "UADM2", "  ")).Accepted);
        Assert.True((await world.Reader.FindAsync(id, default))!.BreakGlass!.ReviewIsOpen);
        Assert.Equal(id, Assert.Single((await world.Reader.WaitingAsync(World.Sre.Org, [World.Sre.Team], 10, default)).Shown).Id);
        var closed = await Task.WhenAll(CloseAsync(world, id, "UADM2"), CloseAsync(world, id, "UADM3"));
        Assert.Single(closed, c => c.Accepted);
        Assert.False((await world.Reader.FindAsync(id, default))!.BreakGlass!.ReviewIsOpen);
        Assert.Single(await world.AuditedAsync(id), e => e == "break_glass_reviewed");
        Assert.Empty((await world.Reader.WaitingAsync(World.Sre.Org, [World.Sre.Team], 10, default)).Shown);
    }

    [Fact]
    public async Task Acting_alone_is_refused_without_the_terms_the_role_or_a_reason_and_to_who_asked()
    {
        await using var world = await World.CreateAsync(postgres);
        var strict = await world.AskAsync();
        Assert.False((await BreakAsync(world, strict, "UADM1")).Accepted);
        var id = (await world.Execution.RequestAsync(World.Asking(await world.InvestigateAsync("UADM3"), Glass), default)).Id;
        Assert.False((await BreakAsync(world, id, "UADM3")).Accepted);
        Assert.False((await BreakAsync(world, id, "UOPER")).Accepted);
        Assert.False((await BreakAsync(world, id, "UWEB")).Accepted);
        Assert.False((await BreakAsync(world, id, "UADM1", " \n")).Accepted);
        Assert.Empty(await world.Execution.FindWorkAsync(10, default));
        Assert.Equal(0L, Assert.Single(await world.Db.QueryAsync<long>("select count(*) from app.break_glass_reviews")));
        // Put there past the rules: the gateway judges anew.
        await world.Db.ExecuteAsync("insert into app.break_glass_reviews (approval_id, person_id, identity, reason) values (@a, @p, 'x', 'x')", new { a = strict.Value, p = (await world.WhoAsync("UADM1")).Person.Value });
        await world.Db.ExecuteAsync("insert into app.break_glass_reviews (approval_id, person_id, identity, reason) values (@a, @p, 'x', 'x')", new { a = id.Value, p = (await world.WhoAsync("UOPER")).Person.Value });
        Assert.False(await world.Execution.GrantAsync(strict, default));
        Assert.False(await world.Execution.GrantAsync(id, default));
    }

    [Fact]
    public async Task A_denial_wins_over_an_admin_who_acts_alone_and_twenty_clicks_are_one_act()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync(Glass);
        var clicks = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => BreakAsync(world, id, i % 2 == 0 ? "UADM1" : "UADM2")));
        Assert.All(clicks, c => Assert.True(c.Accepted));
        Assert.Single(await world.AuditedAsync(id), e => e == "approval_break_glass");
        Assert.True((await world.DenyAsync(id, "UADM3")).Accepted);
        Assert.False(await world.Execution.GrantAsync(id, default));
        Assert.Null(await world.Execution.ClaimAsync(id, "me", default));
    }

    [Theory]
    [InlineData("delete from app.break_glass_reviews")]
    [InlineData("update app.break_glass_reviews set person_id = gen_random_uuid()")]
    [InlineData("update app.break_glass_reviews set reason = 'x'")]
    [InlineData("delete from app.approval_notices")]
    [InlineData("update app.approval_votes set person_id = gen_random_uuid()")]
    public async Task The_bot_can_not_rewrite_what_people_did(string sql)
    {
        await using var world = await World.CreateAsync(postgres);
        await using var bot = await world.Db.Bot.OpenAsync(default);
        Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => bot.ExecuteAsync(sql))).SqlState);
        await using var gateway = await world.Db.Gateway.OpenAsync(default);
        Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => gateway.ExecuteAsync(sql))).SqlState);
    }

    [Fact]
    public async Task A_freeze_cancels_what_has_not_started_of_one_team_or_of_all()
    {
        await using var world = await World.CreateAsync(postgres);
        var (pending, approved) = (await world.AskAsync(frozen: World.Frozen("a")), await world.ApprovedAsync());
        Assert.Empty(await world.Voting.CancelAllAsync(World.Sre.Org, new TeamId("web"), "ada", "frozen", default));
        Assert.Empty(await world.Voting.CancelAllAsync(new OrgId("other"), null, "ada", "frozen", default));
        Assert.Equal(new[] { pending, approved }.ToHashSet(), (await world.Voting.CancelAllAsync(World.Sre.Org, World.Sre.Team, "ada", "frozen", default)).ToHashSet());
        var last = await world.AskAsync(frozen: World.Frozen("b"));
        Assert.Equal([last], await world.Voting.CancelAllAsync(null, null, "system", "restored", default));
    }
}
