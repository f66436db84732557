using IncidentFox.Bot.Roles;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Tests.Roles;

public sealed class RolesCommandTests(BotPostgres postgres)
{
    private const string Newcomer = "U6NEW";
    private static readonly TeamId Shop = new("shop");

    [Fact]
    public async Task An_admin_gives_a_role_for_a_while_to_somebody_new_and_takes_it_again()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        bot.Slack.Users[Newcomer] = new SlackUser { Id = Newcomer, Name = "nia", RealName = "Nia *New*", TeamId = TestBot.Workspace };

        Assert.Contains("operator until", await AdminAsync(bot, TestBot.Admin, $"roles grant <@{Newcomer}|nia> operator 8h on call tonight"));
        Assert.Equal(Role.Operator, await RoleAsync(bot, Newcomer));
        Assert.Contains("Nia", await AdminAsync(bot, TestBot.Viewer, "roles list"));
        Assert.Contains("not operator", await AdminAsync(bot, TestBot.Admin, $"roles revoke {Newcomer} operator over"));
        Assert.Equal(Role.None, await RoleAsync(bot, Newcomer));

        var rows = (await bot.AuditAsync(AuditEventTypes.ConfigurationChanged)).Where(e => e.Details!["source"]?.ToString() == "grant").ToList();
        Assert.Equal(["ada@example.com", "ada@example.com"], rows.Select(r => r.UserId));
        Assert.Equal("on call tonight", rows[0].Details!["reason"]!.ToString());
    }

    [Theory]
    [InlineData("bot")]
    [InlineData("guest")]
    [InlineData("deleted")]
    [InlineData("stranger")]
    [InlineData("unknown")]
    [InlineData("slack is down")]
    public async Task Nobody_who_is_no_full_member_gets_a_role(string what)
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        bot.Slack.Users[Newcomer] = new SlackUser
        {
            Id = Newcomer, Name = "nia", TeamId = TestBot.Workspace, IsBot = what == "bot", IsRestricted = what == "guest", IsDeleted = what == "deleted", IsStranger = what == "stranger",
        };
        if (what == "unknown")
            bot.Slack.Users.TryRemove(Newcomer, out _);
        if (what == "slack is down")
            bot.Slack.Down = FakeSlack.Error("fatal_error");

        await AdminAsync(bot, TestBot.Admin, $"roles grant {Newcomer} viewer");

        Assert.Null(await bot.Get<IdentityStore>().FindSlackUserAsync(TestBot.Workspace, Newcomer, TestBot.Ct));
    }

    [Theory]
    [InlineData("roles grant")]
    [InlineData("roles grant @ada admin")]
    [InlineData("roles grant U3ADMIN root")]
    [InlineData("roles grant U3ADMIN none")]
    [InlineData("roles grant <@U3ADMIN|<!channel>> admin")]
    [InlineData("roles grant U3ADMIN\u202E admin")]
    [InlineData("roles grant U3ADMIN operator 99999d")]
    [InlineData("roles grant U3ADMIN operator 0m")]
    [InlineData("roles grant U3ADMIN org_admin")]
    [InlineData("roles revoke U5OUTSIDER admin")]
    [InlineData("roles nonsense")]
    [InlineData("roles")]
    public async Task What_can_not_be_done_changes_nothing(string text)
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var before = await bot.Database.QueryAsync<string>("select person_id || role from app.role_grants order by 1");
        await AdminAsync(bot, TestBot.Admin, text);
        await AdminAsync(bot, TestBot.Admin, text + new string('x', 100_000));
        Assert.Equal(before, await bot.Database.QueryAsync<string>("select person_id || role from app.role_grants order by 1"));
    }

    [Fact]
    public async Task An_admin_who_became_a_guest_gives_nothing()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        bot.Slack.Users[TestBot.Admin] = bot.Slack.Users[TestBot.Admin] with { IsRestricted = true };
        Assert.Contains("Guests", await AdminAsync(bot, TestBot.Admin, $"roles grant {TestBot.Viewer} admin"));
        Assert.Equal(Role.Viewer, await RoleAsync(bot, TestBot.Viewer));
        Assert.Single(await bot.AuditAsync(AuditEventTypes.AccessDenied));
    }

    [Fact]
    public async Task The_workspaces_owner_becomes_the_first_org_admin_and_nobody_else_and_nobody_twice()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        bot.Slack.Users[Newcomer] = new SlackUser { Id = Newcomer, Name = "nia", TeamId = TestBot.Workspace, IsOwner = true };
        Assert.Contains("Only an owner", await AdminAsync(bot, TestBot.Admin, "roles bootstrap"));
        Assert.Contains("belongs to no organization", await bot.CommandAsync(Newcomer, "roles bootstrap", command: "/incidentfox-admin", workspace: "T9"));
        Assert.Contains("first org admin", await AdminAsync(bot, Newcomer, "roles bootstrap"));
        Assert.Equal(Role.OrgAdmin, await RoleAsync(bot, Newcomer));
        bot.Slack.Users[TestBot.Viewer] = bot.Slack.Users[TestBot.Viewer] with { IsOwner = true };
        Assert.Contains("already", await AdminAsync(bot, TestBot.Viewer, "roles bootstrap"));
        Assert.Equal(Role.Viewer, await RoleAsync(bot, TestBot.Viewer));
    }

    [Fact]
    public async Task A_review_is_for_admins_shows_what_roles_allow_and_is_csv_when_asked()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        Assert.Contains("needs the role admin", await AdminAsync(bot, TestBot.Operator, "access-review"));
        Assert.Contains("StartInvestigation", await AdminAsync(bot, TestBot.Admin, "access-review"));
        var csv = await AdminAsync(bot, TestBot.Admin, "access-review csv");
        Assert.Contains("person,name,email", csv);
        Assert.Contains("ada@example.com", csv);
        Assert.Single(await bot.Database.QueryAsync<string>("select email from app.people where last_used_at is not null and email = 'ada@example.com'"));
    }

    private static Task<string> AdminAsync(TestBot bot, string user, string text) => bot.CommandAsync(user, text, command: "/incidentfox-admin");

    private static async Task<Role> RoleAsync(TestBot bot, string user) =>
        (await bot.Get<IdentityStore>().FindSlackUserAsync(TestBot.Workspace, user, TestBot.Ct))!.RoleIn(Shop);
}
