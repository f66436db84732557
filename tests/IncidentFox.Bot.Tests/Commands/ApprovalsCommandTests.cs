using IncidentFox.Bot.Inbound;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Audit;

namespace IncidentFox.Bot.Tests.Commands;

public sealed class ApprovalsCommandTests(BotPostgres postgres)
{
    private const string Admin = "/incidentfox-admin";

    [Fact]
    public async Task All_that_waits_in_the_team_is_listed_with_its_deadline_and_no_other_teams()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        Assert.Contains("Nothing of this team waits", await bot.CommandAsync(TestBot.Viewer, "approvals", command: Admin), StringComparison.Ordinal);
        var first = await bot.AskAsync(await bot.InvestigateAsync());
        var second = await bot.AskAsync(await bot.InvestigateAsync(), target: "checkout-2");
        await bot.CardsAsync();

        var said = await bot.CommandAsync(TestBot.Viewer, "approvals", command: Admin);

        Assert.Contains("2 actions wait for people", said, StringComparison.Ordinal);
        Assert.Contains(first.Short, said, StringComparison.Ordinal);
        Assert.Contains(second.Short, said, StringComparison.Ordinal);
        Assert.Contains("Open the card", said, StringComparison.Ordinal);
        Assert.Contains("Nothing of this team waits", await bot.CommandAsync(TestBot.Operator, "approvals", TestBot.OtherTeam, Admin), StringComparison.Ordinal);
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(31));
        Assert.Contains("Nothing of this team waits", await bot.CommandAsync(TestBot.Viewer, "approvals", command: Admin), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_has_no_role_sees_nothing_and_it_is_audited()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        await bot.AskAsync(await bot.InvestigateAsync());
        Assert.DoesNotContain("wait for people", await bot.CommandAsync(TestBot.Viewer, "approvals", TestBot.OtherTeam, Admin), StringComparison.Ordinal);
        Assert.DoesNotContain("wait for people", await bot.CommandAsync("U9NOBODY", "approvals", command: Admin), StringComparison.Ordinal);
        Assert.Equal(2, (await bot.AuditAsync(AuditEventTypes.AccessDenied)).Count);
    }

    [Fact]
    public async Task Home_shows_what_waits_in_ones_teams_and_nothing_to_strangers()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        await bot.RunAsync<AfterAnswer>();
        var id = await bot.AskAsync(await bot.InvestigateAsync());
        await bot.CardsAsync();

        await bot.OpenHomeAsync(TestBot.Viewer);
        var home = await HomeAsync(bot);
        Assert.Equal(TestBot.Viewer, home.UserId);
        Assert.Contains(id.Short, home.Json, StringComparison.Ordinal);
        Assert.DoesNotContain("\"button\"", home.Json, StringComparison.Ordinal);

        await bot.OpenHomeAsync("U9NOBODY");
        Assert.DoesNotContain(id.Short, (await HomeAsync(bot)).Json, StringComparison.Ordinal);
        await bot.OpenHomeAsync(TestBot.Admin, workspace: "T9");
        Assert.DoesNotContain(id.Short, (await HomeAsync(bot)).Json, StringComparison.Ordinal);
        await bot.OpenHomeAsync(TestBot.Viewer, tab: "messages");
        await bot.Database.ExecuteAsync("delete from app.role_grants");
        await bot.OpenHomeAsync(TestBot.Viewer);
        Assert.DoesNotContain(id.Short, (await HomeAsync(bot)).Json, StringComparison.Ordinal);
        Assert.Empty(bot.Slack.Homes);
    }

    private static async Task<(string UserId, string Json)> HomeAsync(TestBot bot)
    {
        (string UserId, string Json) home = ("", "");
        await Eventually.TrueAsync(() => bot.Slack.Homes.TryDequeue(out home), "Home");
        return home;
    }
}
