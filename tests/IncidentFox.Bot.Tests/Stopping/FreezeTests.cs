using IncidentFox.Bot.Stopping;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Safety;

namespace IncidentFox.Bot.Tests.Stopping;

public sealed class FreezeTests(BotPostgres postgres)
{
    [Fact]
    public async Task Freeze_ends_what_is_open_tells_the_channels_and_unfreeze_lets_it_start_again()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var id = await bot.InvestigateAsync();
        var approval = await bot.AskAsync(id);

        Assert.Contains("Frozen", await AdminAsync(bot, TestBot.Admin, "freeze something is <!channel> wrong"));
        await bot.Get<StopLoop>().RoundAsync(TestBot.Ct);

        Assert.Equal(InvestigationState.Stopped, (await bot.InvestigationAsync(id)).State);
        Assert.Equal(ApprovalState.Cancelled, (await bot.ApprovalAsync(approval)).State);
        Assert.Equal([TestBot.Incidents, TestBot.Approvals], bot.Slack.Messages.Select(m => m.ChannelId).Order());
        Assert.All(bot.Slack.Messages, m => Assert.Contains("Everything is stopped", m.Json));
        var said = await bot.CommandAsync(TestBot.Operator, "investigate x");
        Assert.Contains("frozen since", said);
        Assert.Contains("ada@example.com", said);
        Assert.Empty(bot.Jobs.Jobs);

        Assert.Contains("Lifted", await AdminAsync(bot, TestBot.SecondAdmin, "unfreeze false alarm"));
        await bot.Get<StopLoop>().RoundAsync(TestBot.Ct);
        await bot.Get<StopLoop>().RoundAsync(TestBot.Ct);
        Assert.Equal(4, bot.Slack.Messages.Count);
        Assert.Contains("On it", await bot.CommandAsync(TestBot.Operator, "investigate x"));
        Assert.Equal(2, (await bot.AuditAsync(AuditEventTypes.ConfigurationChanged)).Count(e => e.Details!["what"]!.ToString() == "freeze"));
    }

    [Fact]
    public async Task Freezing_asks_slack_nothing_and_unfreezing_does()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        bot.Slack.Down = FakeSlack.Error("fatal_error");
        Assert.Contains("Frozen", await AdminAsync(bot, TestBot.Admin, "freeze now"));
        Assert.Contains("Slack could not be asked", await AdminAsync(bot, TestBot.Admin, "unfreeze now"));
        await bot.Get<StopLoop>().RoundAsync(TestBot.Ct);
        Assert.Empty(bot.Slack.Messages);
        bot.Slack.Down = null;
        await bot.Get<StopLoop>().RoundAsync(TestBot.Ct);
        Assert.Equal(2, bot.Slack.Messages.Count);
        Assert.Single(await bot.Get<Stops>().AllInForceAsync(TestBot.Ct));
    }

    [Theory]
    [InlineData(TestBot.Operator, "freeze why", "needs the role admin")]
    [InlineData(TestBot.Admin, "freeze org why", "needs the role org_admin")]
    [InlineData(TestBot.Admin, "freeze", "Say why")]
    [InlineData(TestBot.Admin, "unfreeze why", "There is no freeze")]
    [InlineData(TestBot.Outsider, "freeze why", "no role here")]
    public async Task What_is_refused_stops_nothing(string user, string text, string said)
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        Assert.Contains(said, await AdminAsync(bot, user, text));
        Assert.Empty(await bot.Get<Stops>().AllInForceAsync(TestBot.Ct));
    }

    [Fact]
    public async Task Two_processes_end_and_tell_it_once_and_what_a_dying_process_left_is_ended_by_the_next()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        await using var other = bot.Another();
        var approval = await bot.AskAsync(await bot.InvestigateAsync());
        await AdminAsync(bot, TestBot.Admin, "freeze now");
        await Task.WhenAll(bot.Get<StopLoop>().RoundAsync(TestBot.Ct), other.Get<StopLoop>().RoundAsync(TestBot.Ct));
        Assert.Equal(ApprovalState.Cancelled, (await bot.ApprovalAsync(approval)).State);
        Assert.Single(await bot.AuditAsync(AuditEventTypes.ApprovalCancelled));
        Assert.Equal(2, bot.Slack.Messages.Count);
    }

    private static Task<string> AdminAsync(TestBot bot, string user, string text) => bot.CommandAsync(user, text, command: "/incidentfox-admin");
}
