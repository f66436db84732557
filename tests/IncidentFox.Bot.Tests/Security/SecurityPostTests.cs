using System.Text.Json.Nodes;
using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Security;
using IncidentFox.Bot.Security.Storage;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Slack;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Bot.Tests.Security;

public sealed class SecurityPostTests(BotPostgres postgres)
{
    private static readonly CancellationToken Ct = TestBot.Ct;

    [Fact]
    public async Task An_alert_is_posted_once_also_by_two_bots_and_what_the_sandbox_sent_is_dead_text()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var sandbox = SandboxId.New();
        await AlertAsync(bot, SecurityAlertKinds.OtherTeam, sandbox, "/tools/<!channel>_*x*<https://evil.example|y>");
        var posts = Enumerable.Range(0, 2).Select(_ => Posts(bot)).ToList();
        Assert.Equal(1, (await Task.WhenAll(posts.Select(p => p.PostAsync(Ct)))).Sum());
        Assert.Equal(0, await posts[0].PostAsync(Ct));
        var shown = Assert.Single(bot.Slack.Messages);
        Assert.Equal(TestBot.Incidents, shown.ChannelId);
        Assert.Contains("integration or tool of another team", shown.Json, StringComparison.Ordinal);
        Assert.Contains(sandbox.ToString(), shown.Json, StringComparison.Ordinal);
        Assert.DoesNotContain("<!channel>", shown.Json, StringComparison.Ordinal);
        Assert.DoesNotContain("\"type\":\"link\"", shown.Json, StringComparison.Ordinal);
        Assert.DoesNotContain("mrkdwn", shown.Json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_alerts_are_few_messages_and_what_slack_does_not_take_comes_later()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        for (var i = 0; i < 15; i++)
            await AlertAsync(bot, SecurityAlertKinds.CallAfterEnd, SandboxId.New(), "/v1/agent/tools");
        var posts = Posts(bot);
        bot.Slack.Down = FakeSlack.Error("ratelimited");
        Assert.Equal(0, await posts.PostAsync(Ct));
        bot.Slack.Down = null;
        Assert.Equal(5, await posts.PostAsync(Ct));
        Assert.Equal(0, await posts.PostAsync(Ct));
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(10, await posts.PostAsync(Ct));
        Assert.Equal(2, bot.Slack.Messages.Count);
    }

    [Fact]
    public async Task Without_a_channel_nothing_is_posted_and_a_channel_that_is_none_is_a_mistake()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        await AlertAsync(bot, SecurityAlertKinds.NotCaged, SandboxId.New(), "/v1/agent/hello");
        await bot.RunAsync<SecurityPosts>();
        Assert.Empty(bot.Slack.Messages);
        foreach (var channel in new[] { "", "security", "#a b", "https://x" })
            Assert.Contains(new SlackOptions { SecurityChannel = channel }.Validate(), e => e.Contains("SecurityChannel", StringComparison.Ordinal));
        Assert.DoesNotContain(new SlackOptions { SecurityChannel = "#security" }.Validate(), e => e.Contains("SecurityChannel", StringComparison.Ordinal));
    }

    private static SecurityPosts Posts(TestBot bot) => new(
        bot.Get<SecurityPostStore>(), bot.Slack, bot.Get<ChannelDirectory>(), bot.Get<ChannelPace>(), new SlackOptions { SecurityChannel = TestBot.Incidents }, TimeProvider.System,
        NullLogger<SecurityPosts>.Instance);

    private static Task AlertAsync(TestBot bot, string kind, SandboxId sandbox, string path) => bot.Get<AuditLog>().AppendAsync(new AuditEvent
    {
        EventType = AuditEventTypes.SecurityAlert, OrgId = "acme", TeamId = "sre", Status = "denied", SandboxId = sandbox.Value,
        Details = new JsonObject { ["kind"] = kind, ["method"] = "POST", ["path"] = path },
    }, Ct);
}
