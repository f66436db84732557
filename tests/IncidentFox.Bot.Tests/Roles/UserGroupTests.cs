using IncidentFox.Bot.Roles;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Tests.Roles;

public sealed class UserGroupTests(BotPostgres postgres)
{
    private const string Newcomer = "U6NEW";
    private static readonly TeamId Shop = new("shop");

    [Fact]
    public async Task Members_of_a_group_have_its_role_until_they_leave_it_and_both_is_audited()
    {
        await using var bot = await WithGroupAsync(postgres, TestBot.Viewer, Newcomer);
        Assert.Equal(2, await Refresh(bot));
        Assert.Equal(Role.Admin, await RoleAsync(bot, TestBot.Viewer));
        Assert.Equal(Role.Admin, await RoleAsync(bot, Newcomer));

        bot.Slack.UserGroups[0] = bot.Slack.UserGroups[0] with { Members = [Newcomer] };
        await Refresh(bot);

        Assert.Equal(Role.Viewer, await RoleAsync(bot, TestBot.Viewer));
        Assert.Equal(Role.Admin, await RoleAsync(bot, Newcomer));
        Assert.Equal(3, (await bot.AuditAsync(AuditEventTypes.ConfigurationChanged)).Count(e => e.Details!["what"]!.ToString().Contains("in user group S1", StringComparison.Ordinal)));
        await Refresh(bot);
        Assert.Equal(3, (await bot.AuditAsync(AuditEventTypes.ConfigurationChanged)).Count(e => e.Details!["what"]!.ToString().Contains("in user group S1", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("groups")]
    [InlineData("auth")]
    public async Task Without_slack_a_membership_counts_for_a_quarter_of_an_hour_and_then_for_nothing(string method)
    {
        await using var bot = await WithGroupAsync(postgres, TestBot.Viewer);
        await Refresh(bot);
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(14));
        bot.Slack.FailNext(method, FakeSlack.Error("fatal_error"));
        Assert.Null(await Refresh(bot));
        Assert.Equal(Role.Admin, await RoleAsync(bot, TestBot.Viewer));
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(16));
        Assert.Equal(Role.Viewer, await RoleAsync(bot, TestBot.Viewer));
        await Refresh(bot);
        Assert.Equal(Role.Admin, await RoleAsync(bot, TestBot.Viewer));
    }

    [Fact]
    public async Task A_group_that_is_gone_or_too_large_or_named_strangely_gives_nobody_anything()
    {
        await using var bot = await WithGroupAsync(postgres, TestBot.Viewer);
        await Refresh(bot);
        foreach (var group in new[] { new SlackUserGroup("S1", "a b", [TestBot.Viewer]), new SlackUserGroup("S1", "", [TestBot.Viewer]), new SlackUserGroup("S1", "big", [TestBot.Viewer, .. Enumerable.Range(0, 1_000).Select(i => $"U{i}")]) })
        {
            bot.Slack.UserGroups[0] = group;
            await Refresh(bot);
            Assert.Equal(Role.Viewer, await RoleAsync(bot, TestBot.Viewer));
        }
        bot.Slack.UserGroups.Clear();
        Assert.Equal(0, await Refresh(bot));
    }

    [Fact]
    public async Task A_guest_or_bot_in_a_group_does_not_become_a_person_and_a_handle_gives_no_role()
    {
        await using var bot = await WithGroupAsync(postgres, Newcomer, "U7BOT");
        bot.Slack.Users[Newcomer] = bot.Slack.Users[Newcomer] with { IsRestricted = true };
        bot.Slack.Users["U7BOT"] = new SlackUser { Id = "U7BOT", Name = "bot", TeamId = TestBot.Workspace, IsBot = true };
        bot.Slack.UserGroups.Add(new SlackUserGroup("S2", "admins", [TestBot.Viewer]));   // the handle that S1 had once
        await Refresh(bot);
        Assert.Null(await bot.Get<IdentityStore>().FindSlackUserAsync(TestBot.Workspace, Newcomer, TestBot.Ct));
        Assert.Equal(Role.Viewer, await RoleAsync(bot, TestBot.Viewer));
        Assert.Equal(["S2"], await bot.Database.QueryAsync<string>("select group_id from app.slack_group_members"));
    }

    private static async Task<TestBot> WithGroupAsync(BotPostgres postgres, params string[] members)
    {
        var bot = await TestBot.CreateAsync(postgres);
        bot.Slack.Users[Newcomer] = new SlackUser { Id = Newcomer, Name = "nia", TeamId = TestBot.Workspace };
        bot.Slack.UserGroups.Add(new SlackUserGroup("S1", "admins", members));
        await bot.Database.ExecuteAsync("insert into app.slack_group_roles values ('acme', 'S1', 'shop', 'admin')");
        return bot;
    }

    private static Task<int?> Refresh(TestBot bot) => bot.Get<UserGroupRefresher>().RefreshAsync(TestBot.Ct);

    private static async Task<Role> RoleAsync(TestBot bot, string user) =>
        (await bot.Get<IdentityStore>().FindSlackUserAsync(TestBot.Workspace, user, TestBot.Ct))!.RoleIn(Shop);
}
