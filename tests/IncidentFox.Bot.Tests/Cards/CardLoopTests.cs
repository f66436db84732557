using IncidentFox.Bot.Buttons;
using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Cards.Storage;
using IncidentFox.Bot.Inbound;
using IncidentFox.Bot.Investigations;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Tests.Cards;

public sealed class CardLoopTests(BotPostgres postgres)
{
    private static CancellationToken Ct => TestBot.Ct;

    [Fact]
    public async Task An_investigation_is_one_message_that_grows()
    {
        await using var bot = await StartAsync();
        var id = await bot.InvestigateAsync();

        await bot.CardsAsync();
        await bot.LaunchAsync(id);
        await ChangedAsync(bot, id);
        await bot.CardsAsync();

        var card = Assert.Single(bot.Slack.Messages);
        Assert.Equal(TestBot.Incidents, card.ChannelId);
        Assert.Contains("Investigating", card.Json);
        Assert.Equal(1, card.Updates);
    }

    [Fact]
    public async Task Nothing_is_sent_when_nothing_changed()
    {
        await using var bot = await StartAsync();
        var id = await bot.InvestigateAsync();
        await bot.CardsAsync();
        var calls = bot.Slack.Calls.Count;

        await ChangedAsync(bot, id);
        await bot.CardsAsync();

        Assert.Equal(calls, bot.Slack.Calls.Count);
    }

    [Fact]
    public async Task A_card_that_shows_what_is_true_takes_nobodys_turn_in_its_channel()
    {
        await using var bot = await StartAsync();
        var id = await bot.InvestigateAsync();
        await bot.LaunchAsync(id);
        await bot.AskAsync(id);
        await SettleAsync(bot, () => bot.Slack.Messages.Count == 3);
        // Both channels are busy for an hour: whoever needs a turn now waits that long.
        using var over = new CancellationTokenSource();
        foreach (var turn in Enumerable.Range(0, 3_600))
            _ = (bot.Get<ChannelPace>().WaitAsync(TestBot.Incidents, over.Token), bot.Get<ChannelPace>().WaitAsync(TestBot.Approvals, over.Token));
        var calls = bot.Slack.Calls.Count;

        await LaterAsync(bot, TimeSpan.FromMinutes(2));
        await bot.CardsAsync().WaitAsync(TimeSpan.FromMinutes(1), Ct);

        Assert.Equal(calls, bot.Slack.Calls.Count);
        await over.CancelAsync();
    }

    [Fact]
    public async Task After_an_outage_the_card_shows_the_latest_state_and_no_step_in_between()
    {
        await using var bot = await StartAsync();
        var id = await bot.InvestigateAsync();
        bot.Slack.Down = FakeSlack.Error("unreachable");
        await bot.CardsAsync();
        await bot.LaunchAsync(id);
        await ChangedAsync(bot, id);
        await bot.CardsAsync();
        await bot.Get<InvestigationStore>().EndAsync(id, InvestigationState.Stopped, "x", "stopped", "Stopped by Otto.", Ct);
        Assert.Empty(bot.Slack.Messages);

        bot.Slack.Down = null;
        await LaterAsync(bot, TimeSpan.FromMinutes(2));
        await bot.CardsAsync();

        Assert.Contains("Investigation stopped", Assert.Single(bot.Slack.Messages).Json);
        Assert.True(Assert.Single(await bot.Database.QueryAsync<bool>("select settled from app.slack_messages")));
    }

    [Fact]
    public async Task While_Slack_is_down_the_pauses_grow_and_Retry_After_is_honoured()
    {
        await using var bot = await StartAsync();
        await bot.InvestigateAsync();
        bot.Slack.FailNext("post", FakeSlack.Error("ratelimited", TimeSpan.FromSeconds(40)));

        await bot.CardsAsync();
        await bot.CardsAsync();

        Assert.Single(bot.Slack.Calls, c => c.StartsWith("post", StringComparison.Ordinal));
        Assert.InRange(Assert.Single(await bot.Database.QueryAsync<double>("select extract(epoch from next_attempt_at - app.clock())::float8 from app.slack_messages")), 30, 40);
        Assert.Equal([1, 2, 4, 8, 10, 10, 10, 10], Enumerable.Range(0, 8).Select(f => (int)CardLoop.Pause(f).TotalSeconds));
    }

    [Fact]
    public async Task A_deleted_message_is_posted_anew()
    {
        await using var bot = await StartAsync();
        var id = await bot.InvestigateAsync();
        await bot.CardsAsync();
        bot.Slack.Delete(bot.Slack.Messages[0].Ts);
        await bot.LaunchAsync(id);

        await ChangedAsync(bot, id);
        await bot.CardsAsync();

        Assert.Contains("Investigating", Assert.Single(bot.Slack.Messages).Json);
    }

    [Fact]
    public async Task When_the_answer_to_a_post_is_lost_the_card_is_there_and_kept_up_to_date_at_the_price_of_a_copy()
    {
        await using var bot = await StartAsync();
        await bot.InvestigateAsync();
        bot.Slack.FailNext("post", FakeSlack.Error("timeout", delivery: SlackDelivery.Unknown));

        await bot.CardsAsync();
        await LaterAsync(bot, TimeSpan.FromMinutes(2));
        await bot.CardsAsync();

        Assert.Equal(2, bot.Slack.Messages.Count);
        Assert.Equal(bot.Slack.Messages[1].Ts, Assert.Single(await bot.Database.QueryAsync<string>("select ts from app.slack_messages")));
    }

    [Fact]
    public async Task A_process_that_died_while_it_sent_is_replaced_by_the_next()
    {
        await using var bot = await StartAsync();
        await bot.InvestigateAsync();
        await bot.Get<CardStore>().DiscoverAsync(Ct);
        Assert.Single(await bot.Get<CardStore>().ClaimAsync(bot.Get<BotInstance>().Id, 10, TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(15), Ct));
        await using var next = bot.Another();
        await next.RunAsync<BotInstance>();
        await next.Get<BotInstance>().Held;

        await bot.StopAsync<BotInstance>();
        await next.CardsAsync();

        Assert.Single(bot.Slack.Messages);
    }

    [Fact]
    public async Task Two_processes_send_a_card_once()
    {
        await using var bot = await StartAsync();
        for (var i = 0; i < 5; i++)
            await bot.InvestigateAsync($"question {i}");
        await using var other = bot.Another();
        await other.RunAsync<BotInstance>();
        await other.Get<BotInstance>().Held;

        await Task.WhenAll(bot.CardsAsync(), other.CardsAsync());

        Assert.Equal(5, bot.Slack.Messages.Count);
    }

    [Fact]
    public async Task An_approval_is_asked_for_in_its_channel_and_the_thread_links_to_it_once()
    {
        await using var bot = await StartAsync();
        var (id, approval) = await AskAsync(bot);

        await SettleAsync(bot, () => bot.Slack.Messages.Count == 3);
        await LaterAsync(bot, TimeSpan.FromSeconds(20));
        await bot.CardsAsync();

        var card = Assert.Single(bot.Slack.Messages, m => m.ChannelId == TestBot.Approvals);
        Assert.Contains("Exactly what will run", card.Json);
        Assert.Contains(CardValue.Of(await bot.ApprovalAsync(approval)).ToString(), card.Json);
        var investigation = Assert.Single(bot.Slack.Messages, m => m.ChannelId == TestBot.Incidents && m.ThreadTs is null);
        var reply = Assert.Single(bot.Slack.Messages, m => m.ThreadTs == investigation.Ts);
        Assert.Contains("https://acme.slack.com/archives", reply.Json);
        Assert.Equal(3, bot.Slack.Messages.Count);
        Assert.Contains(bot.Jobs.Jobs, j => j.Type == "ExpireApproval" && j.Id == approval.Value);
        Assert.NotEqual(default, id);
    }

    [Fact]
    public async Task A_channel_that_does_not_exist_or_cannot_be_written_to_does_not_swallow_the_question()
    {
        await using var bot = await StartAsync();
        var (_, _) = await AskAsync(bot, new Workflow { NotifyChannel = "#no-such" });
        var investigation = await bot.InvestigateAsync("second");
        await bot.AskAsync(investigation, workflow: new Workflow { NotifyChannel = "C9SECRET" }, target: "other");
        bot.Slack.FailNext("post", FakeSlack.Error("unreachable")); // the first post of whichever card comes first

        await SettleAsync(bot, () => bot.Slack.Messages.Count(m => m.Json.Contains("asked for here instead", StringComparison.Ordinal)) >= 1);

        Assert.All(bot.Slack.Messages.Where(m => m.Json.Contains("no-such", StringComparison.Ordinal)), m => Assert.Equal(TestBot.Incidents, m.ChannelId));
    }

    [Fact]
    public async Task The_card_and_the_thread_tell_how_it_ended()
    {
        await using var bot = await StartAsync();
        var (_, approval) = await AskAsync(bot);
        await SettleAsync(bot, () => bot.Slack.Messages.Count == 3);
        var admin = await bot.Get<IdentityStore>().FindSlackUserAsync(TestBot.Workspace, TestBot.Admin, Ct);
        await bot.Get<ApprovalVoting>().ApproveAsync(approval, admin, "T1:U3", Ct);
        await bot.ExecuteAsync(approval);

        await SettleAsync(bot, () => bot.Slack.Messages.Count == 5);

        var card = Assert.Single(bot.Slack.Messages, m => m.ChannelId == TestBot.Approvals);
        Assert.DoesNotContain("approval.approve", card.Json);
        Assert.Contains("Approved by Ada", card.Json);
        var replies = bot.Slack.Messages.Where(m => m.ThreadTs is not null).Select(m => m.Message.Text).ToList();
        Assert.StartsWith("A decision is needed", replies[0]);
        Assert.StartsWith("Approved by Ada", replies[1]);
        Assert.Contains("Done in 120 ms", replies[2]);
    }

    [Fact]
    public async Task When_the_channel_cannot_be_written_to_the_person_who_asked_is_told()
    {
        await using var bot = await StartAsync();
        await bot.RunAsync<AfterAnswer>();
        bot.Slack.FailNext("post", FakeSlack.Error("not_in_channel"));

        await bot.CommandAsync(TestBot.Operator, "investigate x");
        await bot.CardsAsync();

        await Eventually.TrueAsync(() => bot.Slack.Responses.Any(r => r.Text.Contains("Invite me", StringComparison.Ordinal)), "the line for the person");
    }

    private async Task<TestBot> StartAsync()
    {
        var bot = await TestBot.CreateAsync(postgres);
        await bot.RunAsync<BotInstance>();
        await bot.Get<BotInstance>().Held;
        return bot;
    }

    private static async Task<(InvestigationId Id, ApprovalId Approval)> AskAsync(TestBot bot, Workflow? workflow = null)
    {
        var id = await bot.InvestigateAsync();
        return (id, await bot.AskAsync(id, workflow: workflow));
    }

    // What a signal does.
    private static Task ChangedAsync(TestBot bot, InvestigationId id) => bot.Get<CardStore>().MarkDirtyAsync([id.Value], Ct);

    // Cards that come back after a pause are due at once.
    private static Task LaterAsync(TestBot bot, TimeSpan time) => bot.Database.ExecuteAsync(
        "update app.slack_messages set next_attempt_at = next_attempt_at - @time, checked_at = checked_at - @time, dirty = true where not settled", new { time });

    private static Task SettleAsync(TestBot bot, Func<bool> condition) => Eventually.TrueAsync(async () =>
    {
        await LaterAsync(bot, TimeSpan.FromMinutes(2));
        await bot.CardsAsync();
        return condition();
    }, "the cards and replies");
}
