namespace IncidentFox.Core.Tests.Approvals;

public sealed class AskingTests(TestPostgres postgres)
{
    private static Approver Named(string text) => Approver.TryParse(text, out var approver) ? approver : throw new ArgumentException(text, nameof(text));

    [Fact]
    public async Task What_somebody_denied_does_not_come_straight_back_from_anywhere_in_the_team()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        await world.DenyAsync(id, "UADM1");
        var again = await world.Execution.RequestAsync(World.Asking(await world.InvestigateAsync("UADM3")), default);
        Assert.Equal("recently_denied", again.Refused!.Code);
        Assert.Null((await world.Execution.RequestAsync(World.Asking(await world.InvestigateAsync(), frozen: World.Frozen("other")), default)).Refused);
        await world.Db.ShiftClockAsync(TimeSpan.FromMinutes(11));
        Assert.Null((await world.Execution.RequestAsync(World.Asking(await world.InvestigateAsync()), default)).Refused);
        Assert.Single(await world.Db.QueryAsync<Guid>("select id from app.approvals where status = 'denied'"));
    }

    [Fact]
    public async Task What_ran_out_of_time_or_was_called_off_may_be_asked_again()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        await world.Voting.CancelAsync(id, await world.WhoAsync("UOPER"), "T1:UOPER", "", default);
        Assert.Null((await world.Execution.RequestAsync(World.Asking(await world.InvestigateAsync()), default)).Refused);
    }

    [Fact]
    public async Task Of_forty_askers_at_once_no_more_than_the_teams_limit_are_asked_for()
    {
        await using var world = await World.CreateAsync(postgres);
        var investigation = await world.InvestigateAsync();
        var asked = await Task.WhenAll(Enumerable.Range(0, 40).Select(i =>
            world.Execution.RequestAsync(World.Asking(investigation, frozen: World.Frozen($"pod-{i}")) with { MaxPending = 5 }, default)));
        Assert.Equal(5, asked.Count(a => a.Refused is null));
        Assert.All(asked.Where(a => a.Refused is not null), a => Assert.Equal(("too_many_pending", default), (a.Refused!.Code, a.Id)));
        Assert.Equal(5L, Assert.Single(await world.Db.QueryAsync<long>("select count(*) from app.approvals")));
        // The same again joins, however many wait; and what ran out of time does not count.
        Assert.True((await world.Execution.RequestAsync(World.Asking(investigation, frozen: World.Frozen($"pod-{Array.FindIndex(asked, a => a.Refused is null)}")) with { MaxPending = 5 }, default)).Joined);
        await world.Db.ShiftClockAsync(TimeSpan.FromMinutes(31));
        Assert.Null((await world.Execution.RequestAsync(World.Asking(investigation, frozen: World.Frozen("later")) with { MaxPending = 5 }, default)).Refused);
    }

    [Theory]
    [InlineData(4, "", "only 3")]
    [InlineData(1, "nobody@acme.test", "nobody could")]
    [InlineData(1, "otto@acme.test", "nobody could")]      // who asked
    [InlineData(2, "ada@acme.test", "only 1")]
    [InlineData(1, "oncall:pagerduty/P1", "nobody could")]
    public async Task A_quorum_that_nobody_can_reach_is_denied_at_once_with_the_reason(int required, string named, string expected)
    {
        await using var world = await World.CreateAsync(postgres);
        await world.Db.ExecuteAsync("delete from app.role_grants where role = 'org_admin'");
        var workflow = new Workflow { RequiredApprovers = required, Approvers = named.Length == 0 ? [] : [Named(named)] };
        var asked = await world.Execution.RequestAsync(World.Asking(await world.InvestigateAsync(), workflow), default);
        Assert.Equal("quorum_unreachable", asked.Refused!.Code);
        Assert.Contains(expected, asked.Refused.Reason, StringComparison.Ordinal);
        var told = (await world.Reader.FindAsync(asked.Id, default))!;
        Assert.Equal((ApprovalState.Denied, null, asked.Refused.Reason), (told.State, told.DecidedBy, told.DecisionReason));
        Assert.Equal(["approval_requested", "approval_denied"], await world.AuditedAsync(asked.Id));
    }

    [Fact]
    public async Task Escalation_before_the_deadline_and_breaking_glass_count_as_reachable()
    {
        await using var world = await World.CreateAsync(postgres);
        var narrow = new Workflow { Approvers = [Named("nobody@acme.test")] };
        async Task<bool> Reaches(Workflow workflow) => (await world.Execution.RequestAsync(World.Asking(await world.InvestigateAsync(), workflow), default)).Refused is null;
        Assert.True(await Reaches(narrow with { Escalation = [new EscalationStep(29, [Named("role:admin")], null)] }));
        Assert.False(await Reaches(narrow with { Escalation = [new EscalationStep(30, [Named("role:admin")], null)] }));
        Assert.True(await Reaches(narrow with { BreakGlass = true }));
    }

    [Fact]
    public async Task The_terms_are_kept_with_the_approval_and_nobody_changes_them()
    {
        await using var world = await World.CreateAsync(postgres);
        var workflow = new Workflow
        {
            RequiredApprovers = 2, TimeoutMinutes = 12.5m, NotifyChannel = "C0OPS", Approvers = [Named("ada@acme.test"), Named("role:admin")],
            Escalation = [new EscalationStep(5, [Named("role:operator")], "#leads")], BreakGlass = true, ReminderMinutes = 3,
        };
        var id = await world.AskAsync(workflow);
        Assert.Equal(workflow, (await world.Reader.FindAsync(id, default))!.Workflow);
        Assert.Equal(workflow, (await world.Execution.ReadFrozenAsync(id, default))!.Value.Terms.Workflow);
        foreach (var change in new[] { "terms = null", "terms = '{}'", "notify_channel = '#other'" })
        {
            Assert.Equal("23514", (await Assert.ThrowsAsync<PostgresException>(() => world.Db.ExecuteAsync($"update app.approvals set {change}"))).SqlState);
            await using var bot = await world.Db.Bot.OpenAsync(default);
            Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => bot.ExecuteAsync($"update app.approvals set {change}"))).SqlState);
        }
    }

    [Fact]
    public async Task Terms_that_can_not_be_read_decide_nothing()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        await world.ApproveAsync(id, "UADM1");
        await world.Db.ExecuteAsync("alter table app.approvals disable trigger guard; update app.approvals set terms = '{\"approvers\":[\"??\"]}'; alter table app.approvals enable trigger guard");
        await Assert.ThrowsAsync<InvalidOperationException>(() => world.Execution.GrantAsync(id, default));
        await Assert.ThrowsAsync<InvalidOperationException>(() => world.ApproveAsync(id, "UADM2"));
        Assert.Equal("pending", Assert.Single(await world.Db.QueryAsync<string>("select status from app.approvals")));
    }

    [Fact]
    public async Task An_approval_from_before_there_were_terms_is_decided_by_its_columns()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync(new Workflow { RequiredApprovers = 2 });
        await world.Db.ExecuteAsync("alter table app.approvals disable trigger guard; update app.approvals set terms = null; alter table app.approvals enable trigger guard");
        await world.ApproveAsync(id, "UADM1");
        Assert.False(await world.Execution.GrantAsync(id, default));
        await world.ApproveAsync(id, "UADM2");
        Assert.True(await world.Execution.GrantAsync(id, default));
    }
}
