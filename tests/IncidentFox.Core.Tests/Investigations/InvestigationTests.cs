namespace IncidentFox.Core.Tests.Investigations;

public sealed class InvestigationTests(TestPostgres postgres)
{
    private static async Task<(InvestigationId Id, SandboxId Sandbox, SandboxSession Session)> StartAsync(World world)
    {
        var id = await world.InvestigateAsync();
        var sandbox = (await world.Investigations.TryStartAsync(id, "local", default))!.Value;
        return (id, sandbox, (await world.Sessions.FindAsync(sandbox, default))!);
    }

    [Fact]
    public async Task A_question_is_kept_word_for_word_encrypted_and_audited_as_the_page_says()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.InvestigateAsync();
        var read = (await world.Investigations.FindAsync(id, default))!;
        Assert.Equal(("checkout is returning 5xx", InvestigationState.Queued, 0), (read.Question, read.State, read.Attempt));
        Assert.DoesNotContain("checkout", Assert.Single(await world.Db.QueryAsync<string>("select encode(question, 'escape') from app.investigations")));
        var started = Assert.Single(await new AuditReader(world.Db.Bot, world.Db.SharedCipher).LastAsync(9, new AuditFilter { EventType = "investigation_started" }, default));
        Assert.Equal(("otto@acme.test", "checkout is returning 5xx", "sre"), (started.UserId, started.Query, started.TeamId));
    }

    [Fact]
    public async Task Of_ten_that_start_it_at_once_one_gets_a_sandbox()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.InvestigateAsync();
        var starts = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => world.Investigations.TryStartAsync(id, "local", default)));
        var sandbox = Assert.Single(starts, s => s is not null);
        Assert.Equal(1L, Assert.Single(await world.Db.QueryAsync<long>("select count(*) from app.sandboxes")));
        Assert.Equal(sandbox, (await world.Investigations.FindAsync(id, default))!.Sandbox);
        Assert.Equal("sre", Assert.Single(await world.Db.QueryAsync<string>("select team_id from app.audit_events where event_type = 'sandbox_changed'")));
    }

    [Fact]
    public async Task It_goes_from_queued_to_running_to_waiting_and_on_with_another_sandbox()
    {
        await using var world = await World.CreateAsync(postgres);
        var (id, sandbox, _) = await StartAsync(world);
        Assert.False(await world.Investigations.MarkRunningAsync(id, SandboxId.New(), default));
        Assert.True(await world.Investigations.MarkRunningAsync(id, sandbox, default));
        Assert.False(await world.Investigations.MarkRunningAsync(id, sandbox, default));
        var approval = ApprovalId.New();
        Assert.True(await world.Investigations.MarkWaitingAsync(id, sandbox, approval, default));
        Assert.False(await world.Investigations.RequeueAsync(id, sandbox, default));
        Assert.Equal(approval, (await world.Investigations.FindAsync(id, default))!.WaitingFor);
        Assert.Null(await world.Sessions.FindAsync(sandbox, default));
        var second = (await world.Investigations.TryStartAsync(id, "local", default))!.Value;
        Assert.NotEqual(sandbox, second);
        Assert.Null(await world.Sessions.FindAsync(sandbox, default));
        Assert.NotNull(await world.Sessions.FindAsync(second, default));
        Assert.True(await world.Investigations.RequeueAsync(id, second, default));
        Assert.Equal(2, (await world.Investigations.FindAsync(id, default))!.Attempt);
    }

    [Fact]
    public async Task It_ends_once_and_nothing_moves_it_afterwards()
    {
        await using var world = await World.CreateAsync(postgres);
        var (id, sandbox, _) = await StartAsync(world);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => world.Investigations.EndAsync(id, InvestigationState.Running, "x", null, null, default));
        var ends = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => world.Investigations.EndAsync(id, i % 2 == 0 ? InvestigationState.Failed : InvestigationState.Stopped, "ada", "code", "why\0", default)));
        Assert.Single(ends, e => e);
        Assert.Single(await world.Db.QueryAsync<string>("select status from app.audit_events where event_type = 'investigation_ended'"));
        Assert.Null(await world.Investigations.TryStartAsync(id, "local", default));
        Assert.False(await world.Investigations.MarkRunningAsync(id, sandbox, default));
        Assert.False(await world.Investigations.RequeueAsync(id, sandbox, default));
        Assert.Null(await world.Sessions.FindAsync(sandbox, default));
        Assert.Empty(await world.Investigations.OpenAsync(default));
    }

    [Theory]
    [InlineData("not_caged", 1)]
    [InlineData("crashed", 0)]
    public async Task A_sandbox_that_did_not_show_its_cage_in_time_is_a_security_alert_once(string reason, int alerts)
    {
        await using var world = await World.CreateAsync(postgres);
        var (id, sandbox, _) = await StartAsync(world);

        Assert.True(await world.Investigations.EndSandboxAsync(id, sandbox, reason, default));
        Assert.False(await world.Investigations.EndSandboxAsync(id, sandbox, reason, default));

        Assert.Equal(alerts, (await world.Db.QueryAsync<int>("select count(*) from app.audit_events where event_type = 'security_alert' and details ->> 'kind' = 'not_caged'")).Single());
    }

    [Fact]
    public async Task A_sandbox_that_ended_has_no_session_and_ends_once()
    {
        await using var world = await World.CreateAsync(postgres);
        var (id, sandbox, session) = await StartAsync(world);
        Assert.False(await world.Investigations.EndSandboxAsync(await world.InvestigateAsync(), sandbox, "another's", default));
        Assert.NotNull(await world.Sessions.FindAsync(sandbox, default));
        Assert.True(await world.Investigations.EndSandboxAsync(id, sandbox, "done", default));
        Assert.False(await world.Investigations.EndSandboxAsync(id, sandbox, "done", default));
        Assert.Null(await world.Sessions.FindAsync(sandbox, default));
        await world.Sessions.RecordCageAsync(session, true, [], default);
        Assert.Null(await world.Sessions.TakeTaskAsync(session, default));
        Assert.Null(await world.Sessions.FindAsync(SandboxId.New(), default));
    }

    [Fact]
    public async Task The_task_is_handed_out_to_a_caged_sandbox_only_and_the_same_again()
    {
        await using var world = await World.CreateAsync(postgres);
        var (id, _, session) = await StartAsync(world);
        Assert.Null(await world.Sessions.TakeTaskAsync(session, default));
        Assert.False(await world.Sessions.RecordCageAsync(session, false, ["reached 1.1.1.1"], default));
        Assert.Null(await world.Sessions.TakeTaskAsync(session, default));
        Assert.True(await world.Sessions.RecordCageAsync(session, true, [], default));
        Assert.Equal(id, (await world.Sessions.TakeTaskAsync(session, default))!.Id);
        Assert.Equal(id, (await world.Sessions.TakeTaskAsync(session, default))!.Id);
        Assert.Equal(["not_caged", "caged"], await world.Db.QueryAsync<string>("select status from app.audit_events where sandbox_id is not null and status like '%caged' order by at"));
    }

    [Fact]
    public async Task The_lowest_role_among_all_who_asked_counts_as_roles_are_now()
    {
        await using var world = await World.CreateAsync(postgres);
        var (id, sandbox, session) = await StartAsync(world);
        Assert.Equal(Role.Operator, session.LowestRequesterRole);
        async Task<Role> Joined(string slack)
        {
            await world.Db.ExecuteAsync("insert into app.investigation_requesters values (@id, @person)", new { id = id.Value, person = (await world.WhoAsync(slack)).Person.Value });
            return (await world.Sessions.FindAsync(sandbox, default))!.LowestRequesterRole;
        }
        Assert.Equal(Role.Operator, await Joined("UADM1"));
        Assert.Equal(Role.Viewer, await Joined("UVIEW"));
        Assert.Equal(Role.None, await Joined("UWEB"));
        await world.Db.ExecuteAsync("delete from app.investigation_requesters");
        Assert.Equal(Role.None, await world.Sessions.LowestRequesterRoleAsync(id, World.Sre, default));   // nobody asked: nothing is allowed
    }

    [Fact]
    public async Task An_event_sent_twice_is_in_the_timeline_once_and_in_order()
    {
        await using var world = await World.CreateAsync(postgres);
        var (id, sandbox, session) = await StartAsync(world);
        var appended = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => world.Sessions.AppendEventAsync(session, 1, "plan", "{\"a\":1}", default)));
        Assert.Single(appended, a => a);
        Assert.False(await world.Sessions.AppendEventAsync(session, 1, "plan", "{\"a\":2}", default));
        Assert.True(await world.Sessions.AppendEventAsync(session, 2, "step", "{}", default));
        var timeline = await world.Investigations.TimelineAsync(id, 0, default);
        Assert.Equal([("plan", "{\"a\":1}"), ("step", "{}")], timeline.Select(e => (e.Kind, e.BodyJson)));
        Assert.Equal("step", Assert.Single(await world.Investigations.TimelineAsync(id, timeline[0].Position, default)).Kind);
        Assert.Equal(2, await world.Sessions.CountEventsAsync(sandbox, default));
    }

    [Fact]
    public async Task A_final_report_stays_and_one_of_a_sandbox_that_was_replaced_or_ended_is_refused()
    {
        await using var world = await World.CreateAsync(postgres);
        var (id, _, session) = await StartAsync(world);
        Assert.True(await world.Sessions.SaveReportAsync(session, "first", false, default));
        Assert.False(await world.Sessions.SaveReportAsync(session with { Sandbox = SandboxId.New() }, "forged", true, default));
        Assert.True(await world.Sessions.SaveReportAsync(session, "final", true, default));
        Assert.False(await world.Sessions.SaveReportAsync(session, "later", true, default));
        var read = (await world.Investigations.FindAsync(id, default))!;
        Assert.Equal(("final", true), (read.ReportJson, read.ReportFinal));
        var (other, _, ended) = await StartAsync(world);
        await world.Investigations.EndAsync(other, InvestigationState.Stopped, "ada", null, null, default);
        Assert.False(await world.Sessions.SaveReportAsync(ended, "late", true, default));
    }
}
