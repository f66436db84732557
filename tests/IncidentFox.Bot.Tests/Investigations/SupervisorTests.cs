using IncidentFox.Bot.Investigations;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Storage;

namespace IncidentFox.Bot.Tests.Investigations;

public sealed class SupervisorTests(BotPostgres postgres)
{
    private static CancellationToken Ct => TestBot.Ct;

    [Fact]
    public async Task Twenty_jobs_for_one_investigation_start_one_sandbox()
    {
        await using var bot = await StartAsync();
        var id = await bot.InvestigateAsync();

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => bot.LaunchAsync(id)));

        Assert.Single(bot.Sandboxes.Started);
        Assert.Equal(InvestigationState.Running, (await bot.InvestigationAsync(id)).State);
        await bot.LaunchAsync(id);
        Assert.Single(bot.Sandboxes.Started);
    }

    [Fact]
    public async Task A_refused_sandbox_fails_the_investigation_with_the_reason_and_ends_the_sandbox()
    {
        await using var bot = await StartAsync();
        bot.Sandboxes.Refusal = new SandboxStart.Refused("no_isolation", "No isolation works on this machine. Install bubblewrap.");
        var id = await bot.InvestigateAsync();

        await bot.LaunchAsync(id);

        var investigation = await bot.InvestigationAsync(id);
        Assert.Equal(InvestigationState.Failed, investigation.State);
        Assert.Contains("Install bubblewrap", investigation.Failure);
        Assert.Equal("ended", await SandboxStateAsync(bot, investigation.Sandbox!.Value));
    }

    [Fact]
    public async Task A_driver_that_breaks_costs_tries_and_then_the_investigation_but_never_the_place()
    {
        await using var bot = await StartAsync(new BotOptions { MaxSandboxes = 1 });
        bot.Sandboxes.Breaks = new InvalidOperationException("bug");
        var id = await bot.InvestigateAsync();

        for (var i = 0; i < 3; i++)
            await bot.LaunchAsync(id);

        Assert.Equal(InvestigationState.Failed, (await bot.InvestigationAsync(id)).State);
        bot.Sandboxes.Breaks = null;
        await bot.LaunchAsync(await bot.InvestigateAsync());
        Assert.Single(bot.Sandboxes.Started);
    }

    [Fact]
    public async Task A_final_report_stops_the_sandbox_and_completes()
    {
        await using var bot = await StartAsync();
        var (id, sandbox) = await RunningAsync(bot);

        await bot.Sessions.SaveReportAsync(await bot.SessionAsync(id), Samples.Report, final: true, Ct);

        await StateAsync(bot, id, InvestigationState.Completed);
        Assert.Equal(1, sandbox.Stops);
        Assert.Equal("ended", await SandboxStateAsync(bot, sandbox.Id));
        Assert.Single(await bot.AuditAsync(AuditEventTypes.InvestigationEnded));
    }

    [Fact]
    public async Task The_clock_stands_still_while_people_decide()
    {
        await using var bot = await StartAsync();
        var (id, sandbox) = await RunningAsync(bot);

        var approval = await bot.AskAsync(id);
        await Eventually.TrueAsync(() => sandbox.ClockSuspended, "the clock to stop");
        await bot.Get<ApprovalVoting>().DenyAsync(approval, await PersonAsync(bot, TestBot.Admin), "T1:U3", "no", Ct);

        await Eventually.TrueAsync(() => !sandbox.ClockSuspended, "the clock to go on");
    }

    [Fact]
    public async Task An_agent_that_parks_leaves_the_investigation_waiting_and_the_decision_starts_a_fresh_sandbox()
    {
        await using var bot = await StartAsync();
        var (id, sandbox) = await RunningAsync(bot);
        var approval = await bot.AskAsync(id);
        sandbox.End(SandboxExitKind.Finished, 0);
        await StateAsync(bot, id, InvestigationState.Waiting);

        await bot.LaunchAsync(id);
        await bot.Get<InvestigationSweep>().SweepAsync(Ct);
        Assert.Single(bot.Sandboxes.Started);
        Assert.Empty(bot.Jobs.Jobs);
        await bot.Get<ApprovalVoting>().ApproveAsync(approval, await PersonAsync(bot, TestBot.Admin), "T1:U3", Ct);
        await bot.ExecuteAsync(approval);
        await bot.Get<InvestigationSweep>().SweepAsync(Ct);

        Assert.Equal(("StartInvestigation", id.Value), Assert.Single(bot.Jobs.Jobs.Select(j => (j.Type, j.Id))));
        await bot.LaunchAsync(id);
        Assert.Equal(2, bot.Sandboxes.Started.Count);
        Assert.Equal("parked", Assert.Single(await bot.Database.QueryAsync<string>("select end_reason from app.sandboxes where state = 'ended'")));
    }

    [Fact]
    public async Task A_crash_is_tried_again_and_the_third_one_fails_and_withdraws_nothing_that_ran()
    {
        await using var bot = await StartAsync();
        var id = await bot.InvestigateAsync();

        for (var i = 1; i <= 3; i++)
        {
            await bot.LaunchAsync(id);
            bot.Sandboxes.Started.Last().End(SandboxExitKind.Crashed, 139, "Segmentation fault <!channel>");
            await StateAsync(bot, id, i < 3 ? InvestigationState.Queued : InvestigationState.Failed);
        }

        Assert.Equal(3, bot.Sandboxes.Started.Count);
        Assert.Contains("Segmentation fault", (await bot.InvestigationAsync(id)).Failure);
    }

    [Theory]
    [InlineData(SandboxExitKind.TimedOut, null, "used up its time")]
    [InlineData(SandboxExitKind.OutOfMemory, 137, "more memory")]
    [InlineData(SandboxExitKind.Crashed, 3, "not isolated")]
    public async Task What_would_happen_again_fails_at_once_in_plain_words(SandboxExitKind kind, int? code, string words)
    {
        await using var bot = await StartAsync();
        var (id, sandbox) = await RunningAsync(bot);

        sandbox.End(kind, code);

        await StateAsync(bot, id, InvestigationState.Failed);
        Assert.Contains(words, (await bot.InvestigationAsync(id)).Failure);
    }

    [Fact]
    public async Task Stopping_an_investigation_stops_its_sandbox()
    {
        await using var bot = await StartAsync();
        var (id, sandbox) = await RunningAsync(bot);

        await bot.CommandAsync(TestBot.Operator, "stop");

        await Eventually.TrueAsync(async () => await SandboxStateAsync(bot, sandbox.Id) == "ended", "the sandbox to end");
        Assert.Equal(1, sandbox.Stops);
        Assert.Equal(InvestigationState.Stopped, (await bot.InvestigationAsync(id)).State);
    }

    [Fact]
    public async Task A_lost_job_is_enqueued_again_after_a_while_and_not_before()
    {
        await using var bot = await StartAsync();
        var id = await bot.InvestigateAsync();

        await bot.Get<InvestigationSweep>().SweepAsync(Ct);
        Assert.Empty(bot.Jobs.Jobs);
        await bot.Database.ShiftClockAsync(TimeSpan.FromSeconds(6));
        await bot.Get<InvestigationSweep>().SweepAsync(Ct);
        await bot.Get<InvestigationSweep>().SweepAsync(Ct);

        Assert.Equal(id.Value, Assert.Single(bot.Jobs.Jobs).Id);
    }

    [Fact]
    public async Task What_a_killed_process_left_running_is_tried_again_by_the_next_one_and_what_a_living_one_runs_is_left_alone()
    {
        await using var bot = await StartAsync();
        var (id, sandbox) = await RunningAsync(bot);
        await using var next = bot.Another();
        await next.RunAsync<BotInstance>();
        await next.Get<BotInstance>().Held;

        await next.Get<InvestigationSweep>().SweepAsync(Ct);
        Assert.Equal(InvestigationState.Running, (await bot.InvestigationAsync(id)).State);
        await bot.StopAsync<BotInstance>(); // its lock goes, as when the process was killed
        await next.Get<InvestigationSweep>().SweepAsync(Ct);

        Assert.Equal(InvestigationState.Queued, (await bot.InvestigationAsync(id)).State);
        Assert.Equal("lost", Assert.Single(await bot.Database.QueryAsync<string>("select end_reason from app.sandboxes where id = @Value", new { sandbox.Id.Value })));
        Assert.Equal(1, next.Sandboxes.Reaps - bot.Sandboxes.Reaps + 1);
    }

    [Fact]
    public async Task A_sandbox_that_outlives_its_bot_is_let_go_and_of_two_bots_one_takes_it_over()
    {
        await using var bot = await StartAsync();
        bot.Sandboxes.SandboxesOutliveTheBot = true;
        var (id, sandbox) = await RunningAsync(bot);
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(5));
        await using var second = bot.Another();
        await using var third = bot.Another();
        foreach (var next in (TestBot[])[second, third])
        {
            await next.RunAsync<BotInstance>();
            await next.Get<BotInstance>().Held;
        }

        await bot.Get<SandboxSupervisor>().StopAsync(Ct);
        await bot.StopAsync<BotInstance>();
        Assert.Equal((0, InvestigationState.Running), (sandbox.Stops, (await bot.InvestigationAsync(id)).State));
        await Task.WhenAll(second.Get<InvestigationSweep>().SweepAsync(Ct), third.Get<InvestigationSweep>().SweepAsync(Ct));

        var spec = Assert.Single(bot.Sandboxes.Adopted);
        Assert.Equal(sandbox.Id, spec.Id);
        Assert.InRange(spec.Limits.Duration, TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(10));
        Assert.Equal((InvestigationState.Running, true), ((await bot.InvestigationAsync(id)).State, second.Get<SandboxSupervisor>().Holds(id) ^ third.Get<SandboxSupervisor>().Holds(id)));
        sandbox.End(SandboxExitKind.TimedOut);
        await StateAsync(bot, id, InvestigationState.Failed);
        Assert.Single(bot.Sandboxes.Started);
    }

    [Fact]
    public async Task A_sandbox_that_is_gone_when_it_should_be_taken_over_is_lost_and_tried_again()
    {
        await using var bot = await StartAsync();
        bot.Sandboxes.SandboxesOutliveTheBot = true;
        var (id, sandbox) = await RunningAsync(bot);
        await using var next = bot.Another();
        await next.RunAsync<BotInstance>();
        await next.Get<BotInstance>().Held;
        await bot.Get<SandboxSupervisor>().StopAsync(Ct);
        sandbox.End(SandboxExitKind.Finished);
        await bot.StopAsync<BotInstance>();

        await next.Get<InvestigationSweep>().SweepAsync(Ct);

        Assert.Equal(InvestigationState.Queued, (await bot.InvestigationAsync(id)).State);
        Assert.False(next.Get<SandboxSupervisor>().Holds(id));
    }

    [Fact]
    public async Task A_bot_that_died_between_a_sandboxs_end_and_what_follows_leaves_no_investigation_behind()
    {
        await using var bot = await StartAsync();
        bot.Sandboxes.SandboxesOutliveTheBot = true;
        var (id, sandbox) = await RunningAsync(bot);
        await using var next = bot.Another();
        await next.RunAsync<BotInstance>();
        await next.Get<BotInstance>().Held;
        await bot.Get<SandboxSupervisor>().StopAsync(Ct);
        await bot.Get<InvestigationStore>().EndSandboxAsync(id, sandbox.Id, "crashed", Ct);
        await bot.StopAsync<BotInstance>();

        await next.Get<InvestigationSweep>().SweepAsync(Ct);

        Assert.Equal(InvestigationState.Queued, (await bot.InvestigationAsync(id)).State);
        Assert.Empty(bot.Sandboxes.Adopted);
    }

    [Fact]
    public async Task A_sandbox_whose_bot_died_after_its_investigation_was_stopped_is_said_to_have_ended()
    {
        await using var bot = await StartAsync();
        bot.Sandboxes.SandboxesOutliveTheBot = true;
        var (id, sandbox) = await RunningAsync(bot);
        await using var next = bot.Another();
        await next.RunAsync<BotInstance>();
        await next.Get<BotInstance>().Held;
        await bot.Get<SandboxSupervisor>().StopAsync(Ct);
        await bot.Get<InvestigationStore>().EndAsync(id, InvestigationState.Stopped, "system", null, null, Ct);
        await next.Get<InvestigationSweep>().SweepAsync(Ct);
        Assert.Null(Assert.Single(await bot.Database.QueryAsync<string?>("select end_reason from app.sandboxes where id = @Value", new { sandbox.Id.Value })));
        await bot.StopAsync<BotInstance>();

        await next.Get<InvestigationSweep>().SweepAsync(Ct);

        Assert.Equal("lost", Assert.Single(await bot.Database.QueryAsync<string?>("select end_reason from app.sandboxes where id = @Value", new { sandbox.Id.Value })));
        Assert.Equal(InvestigationState.Stopped, (await bot.InvestigationAsync(id)).State);
    }

    [Fact]
    public async Task Time_that_people_take_to_decide_does_not_count_across_a_take_over_nor_after_it()
    {
        await using var bot = await StartAsync();
        bot.Sandboxes.SandboxesOutliveTheBot = true;
        var (id, sandbox) = await RunningAsync(bot);
        await bot.AskAsync(id);
        await Eventually.TrueAsync(() => sandbox.ClockSuspended, "the clock to stand");
        await using var next = bot.Another();
        await next.RunAsync<BotInstance>();
        await next.Get<BotInstance>().Held;
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(14));
        await bot.Get<SandboxSupervisor>().StopAsync(Ct);
        await bot.StopAsync<BotInstance>();
        sandbox.ResumeClock(); // what the dead bot knew of it is gone

        await next.Get<InvestigationSweep>().SweepAsync(Ct);

        Assert.InRange(Assert.Single(bot.Sandboxes.Adopted).Limits.Duration, TimeSpan.FromMinutes(14), TimeSpan.FromMinutes(15));
        await Eventually.TrueAsync(() => sandbox.ClockSuspended, "the clock to stand for the next bot, too");
        Assert.Equal(InvestigationState.Running, (await bot.InvestigationAsync(id)).State);
    }

    [Fact]
    public async Task What_the_cluster_says_no_to_ends_the_investigation_and_what_passes_is_tried_three_times()
    {
        await using var bot = await StartAsync();
        var (hopeless, one) = await RunningAsync(bot);
        one.End(SandboxExitKind.Crashed, fault: SandboxFault.Image("Back-off pulling image"));
        await StateAsync(bot, hopeless, InvestigationState.Failed);
        Assert.Contains("could not be pulled: Back-off pulling image", (await bot.InvestigationAsync(hopeless)).Failure, StringComparison.Ordinal);

        var id = await bot.InvestigateAsync();
        for (var i = 1; i <= 3; i++)
        {
            await bot.LaunchAsync(id);
            bot.Sandboxes.Started.Last().End(SandboxExitKind.Crashed, fault: SandboxFault.Evicted(null));
            await StateAsync(bot, id, i < 3 ? InvestigationState.Queued : InvestigationState.Failed);
        }
        Assert.Contains("evicted", (await bot.InvestigationAsync(id)).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_kill_an_open_approval_makes_the_investigation_wait_instead_of_starting_anew()
    {
        await using var bot = await StartAsync();
        var (id, _) = await RunningAsync(bot);
        await bot.AskAsync(id);
        await using var next = bot.Another();
        await next.RunAsync<BotInstance>();
        await next.Get<BotInstance>().Held;
        await bot.StopAsync<BotInstance>();

        await next.Get<InvestigationSweep>().SweepAsync(Ct);

        Assert.Equal(InvestigationState.Waiting, (await bot.InvestigationAsync(id)).State);
    }

    [Fact]
    public async Task An_investigation_that_is_too_old_fails_and_its_approvals_are_withdrawn()
    {
        await using var bot = await StartAsync();
        var id = await bot.InvestigateAsync();
        await bot.Database.ShiftClockAsync(TimeSpan.FromDays(5));
        var approval = await bot.AskAsync(id, workflow: new() { TimeoutMinutes = 60 * 24 * 7 });

        await bot.Database.ShiftClockAsync(TimeSpan.FromDays(9));
        await bot.Get<InvestigationSweep>().SweepAsync(Ct);

        Assert.Equal(InvestigationState.Failed, (await bot.InvestigationAsync(id)).State);
        Assert.Equal(ApprovalState.Cancelled, (await bot.ApprovalAsync(approval)).State);
    }

    [Fact]
    public async Task A_crash_between_stop_and_withdrawal_is_mended_by_the_sweep()
    {
        await using var bot = await StartAsync();
        var id = await bot.InvestigateAsync();
        var approval = await bot.AskAsync(id);
        await bot.Get<InvestigationStore>().EndAsync(id, InvestigationState.Stopped, "x", "stopped", "Stopped.", Ct);

        await bot.Get<InvestigationSweep>().SweepAsync(Ct);

        Assert.Equal(ApprovalState.Cancelled, (await bot.ApprovalAsync(approval)).State);
    }

    [Fact]
    public async Task Ten_sweeps_at_once_expire_an_approval_once()
    {
        await using var bot = await StartAsync();
        var id = await bot.InvestigateAsync();
        var approval = await bot.AskAsync(id);
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(31));

        var expired = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => bot.Get<ApprovalVoting>().ExpireDueAsync(Ct)));

        Assert.Equal(1, expired.Sum(e => e.Count));
        Assert.Single(await bot.AuditAsync(AuditEventTypes.ApprovalExpired));
        Assert.Equal(ApprovalState.Expired, (await bot.ApprovalAsync(approval)).State);
    }

    [Fact]
    public async Task There_are_never_more_sandboxes_than_allowed()
    {
        await using var bot = await StartAsync(new BotOptions { MaxSandboxes = 2 });
        var ids = new List<InvestigationId>();
        for (var i = 0; i < 5; i++)
            ids.Add(await bot.InvestigateAsync());

        await Task.WhenAll(ids.Select(bot.LaunchAsync));

        Assert.Equal(2, bot.Sandboxes.Started.Count);
        Assert.Equal(3, Assert.Single(await bot.Database.QueryAsync<int>("select count(*)::int from app.investigations where status = 'queued'")));
    }

    private async Task<TestBot> StartAsync(BotOptions? options = null)
    {
        var bot = await TestBot.CreateAsync(postgres, options);
        await bot.RunAsync<DatabaseSignals>();
        await bot.RunAsync<BotInstance>();
        await bot.Get<BotInstance>().Held;
        return bot;
    }

    private static async Task<(InvestigationId Id, FakeSandbox Sandbox)> RunningAsync(TestBot bot)
    {
        var id = await bot.InvestigateAsync();
        await bot.LaunchAsync(id);
        return (id, bot.Sandboxes.Started.Single());
    }

    private static async Task<Core.Identity.Principal?> PersonAsync(TestBot bot, string user) =>
        await bot.Get<Core.Identity.IdentityStore>().FindSlackUserAsync(TestBot.Workspace, user, Ct);

    private static Task StateAsync(TestBot bot, InvestigationId id, InvestigationState state) =>
        Eventually.TrueAsync(async () => (await bot.InvestigationAsync(id)).State == state, $"the investigation to be {state}");

    private static async Task<string> SandboxStateAsync(TestBot bot, SandboxId id) =>
        Assert.Single(await bot.Database.QueryAsync<string>("select state from app.sandboxes where id = @Value", new { id.Value }));
}
