using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Jobs;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Policy;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Tests.Jobs;

public sealed class ApprovalNoticeTests(BotPostgres postgres)
{
    private const string Leads = "C9LEADS";

    private static readonly Workflow Steps = new()
    {
        Approvers = [Samples.Approver("ada@example.com")],
        Escalation = [new EscalationStep(10, [Samples.Approver("amir@example.com"), Samples.Approver("role:operator")], Leads), new EscalationStep(20, [], null)],
    };

    [Fact]
    public async Task A_step_of_escalation_is_told_once_where_policy_says_and_calls_who_is_named()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        await AskAsync(bot, Steps);
        await NoticesAsync(bot);
        Assert.Empty(Told(bot));

        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(10));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => NoticesAsync(bot)));
        await new TellApprovers(bot.Get<ApprovalNoticeSender>()).RunAsync(Guid.NewGuid(), TestBot.Ct);

        var told = Assert.Single(Told(bot));
        Assert.Equal(Leads, told.ChannelId);
        Assert.Contains(TestBot.SecondAdmin, told.Json, StringComparison.Ordinal);
        Assert.DoesNotContain($"\"{TestBot.Operator}\"", told.Json, StringComparison.Ordinal);
        Assert.Contains("amir@example.com", told.Json, StringComparison.Ordinal);
        Assert.Equal("shop", Assert.Single(await bot.AuditAsync(AuditEventTypes.ApprovalEscalated)).TeamId);

        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(20));
        await NoticesAsync(bot);
        Assert.Equal([Leads, TestBot.Approvals], Told(bot).Select(t => t.ChannelId));
        Assert.Equal(2, (await bot.AuditAsync(AuditEventTypes.ApprovalEscalated)).Count);
    }

    [Fact]
    public async Task After_an_outage_only_the_last_reminder_is_told_and_none_after_the_decision()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var id = await AskAsync(bot, new Workflow { ReminderMinutes = 2.5m });
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(9));
        await NoticesAsync(bot);
        await NoticesAsync(bot);
        Assert.Contains("Still waiting for 1 approval", Assert.Single(Told(bot)).Json, StringComparison.Ordinal);
        Assert.Equal(["reminder:3"], await bot.Database.QueryAsync<string>("select key from app.approval_notices"));

        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(11));
        await bot.Get<ApprovalNoticeSender>().RecordAsync(TestBot.Ct);
        await bot.Get<ApprovalVoting>().CancelAllAsync(null, null, "test", "enough", TestBot.Ct);
        await bot.Get<ApprovalNoticeSender>().PostAsync(TestBot.Ct);
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(15));
        await NoticesAsync(bot);
        Assert.Single(Told(bot));
        Assert.Equal(ApprovalState.Cancelled, (await bot.ApprovalAsync(id)).State);
    }

    [Fact]
    public async Task What_Slack_did_not_take_is_told_later_and_what_it_may_have_taken_is_not_told_twice()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        await AskAsync(bot, new Workflow { ReminderMinutes = 5 });
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(5));
        bot.Slack.FailNext("post", FakeSlack.Error("fatal_error"));
        await NoticesAsync(bot);
        await NoticesAsync(bot);
        Assert.Empty(Told(bot));
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(6));
        bot.Slack.FailNext("post", FakeSlack.Error("timeout", delivery: SlackDelivery.Unknown));
        await NoticesAsync(bot);
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(7));
        await NoticesAsync(bot);
        Assert.Single(Told(bot));
    }

    [Fact]
    public async Task Each_moment_has_its_job_and_a_broken_queue_stops_nothing()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var id = await AskAsync(bot, Steps with { ReminderMinutes = 12 });
        await bot.CardsAsync();
        Assert.Equal(1, bot.Jobs.Jobs.Count(j => j.Type == nameof(ExpireApproval) && j.Id == id.Value));
        Assert.Equal(4, bot.Jobs.Jobs.Count(j => j.Type == nameof(TellApprovers) && j.Id == id.Value));
        bot.Jobs.Broken = true;
        var other = await bot.AskAsync(await bot.InvestigateAsync(), target: "other");
        await bot.CardsAsync();
        Assert.Contains(bot.Slack.Messages, m => m.Json.Contains(other.Short, StringComparison.Ordinal));
    }

    [Fact]
    public void Moments_end_with_the_deadline_and_are_bounded()
    {
        var approval = Samples.Approval(workflow: new Workflow { ReminderMinutes = 0.0001m, Escalation = [new EscalationStep(40, [], null)] });
        var moments = ApprovalJobs.Moments(approval);
        Assert.InRange(moments.Count, 1, 20);
        Assert.All(moments, m => Assert.True(m < approval.ExpiresAt));
    }

    [Theory]
    [InlineData("escalation:9")]
    [InlineData("escalation:-1")]
    [InlineData("escalation:x")]
    [InlineData("nonsense")]
    [InlineData("break_glass")]
    public async Task A_notice_that_means_nothing_is_given_up(string key)
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var id = await AskAsync(bot, Steps);
        await bot.Database.ExecuteAsync("insert into app.approval_notices (approval_id, key, due_at) values (@Value, @key, app.clock())", new { id.Value, key });
        await NoticesAsync(bot);
        Assert.Empty(Told(bot));
        Assert.True(Assert.Single(await bot.Database.QueryAsync<bool>("select given_up from app.approval_notices")));
    }

    private static IReadOnlyList<FakeSlack.Shown> Told(TestBot bot) => [.. bot.Slack.Messages.Where(m => m.ThreadTs is null && !m.Json.Contains("header", StringComparison.Ordinal))];

    private static async Task NoticesAsync(TestBot bot)
    {
        await bot.Get<ApprovalNoticeSender>().RecordAsync(TestBot.Ct);
        await bot.Get<ApprovalNoticeSender>().PostAsync(TestBot.Ct);
    }

    private static async Task<ApprovalId> AskAsync(TestBot bot, Workflow workflow) => await bot.AskAsync(await bot.InvestigateAsync(), workflow: workflow);
}
