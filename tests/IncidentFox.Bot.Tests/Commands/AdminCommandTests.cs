using System.Text.Json.Nodes;
using IncidentFox.Bot.Inbound;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Tests.Commands;

public sealed class AdminCommandTests(BotPostgres postgres)
{
    private static readonly OrgId Acme = new("acme");
    private static readonly TeamId Shop = new("shop");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tools_list_shows_who_may_and_what_is_asked_by_the_policy_in_force()
    {
        await using var bot = await StartAsync();

        var said = await AdminAsync(bot, "tools list", TestBot.Viewer);

        Assert.Matches("get_pods +kubernetes +read +operator +runs at once", said);
        Assert.Matches("pod_restart +kubernetes +write +operator +asks 1 of role admin or above, within 30 min, #sre-approvals", said);
        Assert.DoesNotContain("pay_only", said);
        Assert.DoesNotContain("get_pods", await AdminAsync(bot, "tools list docker", TestBot.Viewer));
    }

    [Fact]
    public async Task The_documented_settings_typed_on_a_line_are_in_force_and_audited_with_who_and_why()
    {
        await using var bot = await StartAsync();

        var said = await AdminAsync(bot, "tools set docker_exec enabled=true allowed_roles=admin require_approval=true --note “as on the page”");
        Assert.Contains("version 1 now", said);
        Assert.Contains("+ $.tools.docker_exec.allowed_roles = [\"admin\"]", said);
        await AdminAsync(bot, "workflows set scale_deployment required_approvers=2 timeout_minutes=15");

        var policy = await bot.Get<PolicyStore>().EffectiveAsync(Acme, Shop, Ct);
        Assert.Contains("needs the role admin", Assert.IsType<ToolDecision.Deny>(ToolDecider.Decide(policy, new("docker_exec", ToolEffect.Exec, Core.Identity.Role.Operator))).Reason);
        Assert.Equal((2, 15m), ToolDecider.Decide(policy, new("scale_deployment", ToolEffect.Write, Core.Identity.Role.Operator)) is ToolDecision.NeedsApproval { Workflow: var w } ? (w.RequiredApprovers, w.TimeoutMinutes) : default);
        var row = (await bot.AuditAsync(AuditEventTypes.ConfigurationChanged)).First(e => e.TeamId == "shop" && e.Details?["note"]?.ToString() == "as on the page");
        Assert.Equal("ada@example.com", row.UserId);
        Assert.Matches("docker_exec +docker +exec +admin", await AdminAsync(bot, "tools list"));
    }

    [Theory]
    [InlineData("tools set pod_restart enabled=false", TestBot.Operator, "needs the role admin")]
    [InlineData("tools set pod_restart", TestBot.Viewer, "needs the role admin")]
    [InlineData("workflows set pod_restart required_approvers=1", TestBot.Operator, "needs the role admin")]
    [InlineData("policy rollback 0", TestBot.Operator, "needs the role admin")]
    [InlineData("policy edit", TestBot.Operator, "needs the role admin")]
    [InlineData("tools set pod_restart enabled=false --org", TestBot.Admin, "needs the role org_admin")]
    [InlineData("policy rollback 0 --org", TestBot.Admin, "needs the role org_admin")]
    [InlineData("policy edit --org", TestBot.Admin, "needs the role org_admin")]
    [InlineData("tools list", TestBot.Outsider, "no role here")]
    [InlineData("audit verify", TestBot.Operator, "needs the role admin")]
    [InlineData("audit export", TestBot.Viewer, "needs the role admin")]
    public async Task Who_may_not_is_told_why_and_it_is_audited_and_nothing_changes(string text, string user, string reason)
    {
        await using var bot = await StartAsync();

        Assert.Contains(reason, await AdminAsync(bot, text, user));

        Assert.Contains(reason, Assert.Single(await bot.AuditAsync(AuditEventTypes.AccessDenied)).Details!["reason"]!.ToString());
        Assert.Equal(0, Assert.Single(await bot.Database.QueryAsync<int>("select count(*)::int from app.policies")));
        Assert.Empty(bot.Slack.Modals);
    }

    [Fact]
    public async Task An_admin_whose_Slack_account_is_a_guests_changes_nothing()
    {
        await using var bot = await StartAsync();
        bot.Slack.Users[TestBot.Admin] = bot.Slack.Users[TestBot.Admin] with { IsRestricted = true };

        Assert.Contains("Guests", await AdminAsync(bot, "tools set pod_restart enabled=false"));

        Assert.Equal(0, Assert.Single(await bot.Database.QueryAsync<int>("select count(*)::int from app.policies")));
    }

    [Theory]
    [InlineData("tools set podrestart enabled=false", "Did you mean pod_restart?")]
    [InlineData("tools set pod_restart enabled=maybe", "enabled: must be true or false")]
    [InlineData("tools set pod_restart colour=red", "colour: is not known; here may stand enabled, allowed_roles, require_approval")]
    [InlineData("tools set pod_restart allowed_roles=king", "allowed_roles: [0]: must be one of viewer")]
    [InlineData("tools set pod_restart enabled", "is no setting")]
    [InlineData("tools set", "Say of what")]
    [InlineData("tools set pod_restart enabled=false --force", "--force is not known")]
    [InlineData("tools set pod_restart --note \"x", "not closed")]
    [InlineData("tools show nothing_like_it", "no tool")]
    [InlineData("tools explain pod_restart as Ada", "with a mention")]
    [InlineData("tools explain pod_restart for ever", "not understood")]
    [InlineData("workflows set pod_restart required_approvers=99 timeout_minutes=0", "timeout_minutes: must be a number from 0.01")]
    [InlineData("workflows set pod_restart allow_self_approval=true", "never for production")]
    [InlineData("policy show everything", "Say policy show")]
    [InlineData("policy diff one", "never set")]
    [InlineData("policy rollback", "Say to which version")]
    [InlineData("policy rollback 7", "there is no version 7")]
    [InlineData("policy frobnicate", "/incidentfox-admin policy show")]
    [InlineData("audit 99", "from 1 to 30")]
    [InlineData("audit tail x", "from 1 to 30")]
    public async Task What_is_wrong_is_said_and_nothing_is_written(string text, string expected)
    {
        await using var bot = await StartAsync();

        Assert.Contains(expected, await AdminAsync(bot, text));

        Assert.Equal(0, Assert.Single(await bot.Database.QueryAsync<int>("select count(*)::int from app.policies")));
    }

    [Fact]
    public async Task Explain_says_which_entry_decides_for_the_person_and_the_place_that_are_named()
    {
        await using var bot = await StartAsync();
        await AdminAsync(bot, "tools set docker_exec allowed_roles=admin");

        var forOperator = await AdminAsync(bot, $"tools explain docker_exec as <@{TestBot.Operator}|otto> in shop", TestBot.Viewer);
        Assert.Contains("docker_exec: denied", forOperator);
        Assert.Contains("$.tools.docker_exec", forOperator);
        Assert.Contains("Otto (operator)", forOperator);
        Assert.Contains("docker_exec: stops until", await AdminAsync(bot, $"tools explain docker_exec as <@{TestBot.Admin}>"));
        Assert.Contains("(none)", await AdminAsync(bot, "tools explain docker_exec as <@U9STRANGER>"));
        Assert.Contains("namespace shop", await AdminAsync(bot, "tools explain pod_restart namespace=shop"));
        Assert.Contains("you have no role there", await AdminAsync(bot, "tools explain docker_exec in pay"));
    }

    [Fact]
    public async Task Versions_can_be_told_apart_and_brought_back()
    {
        await using var bot = await StartAsync();
        await AdminAsync(bot, "workflows set pod_restart required_approvers=2 --note first");
        await AdminAsync(bot, "workflows set pod_restart required_approvers=3 notify_channel=<#C77|sre-leads>");

        Assert.Contains("- $.approval_workflows.actions.pod_restart.required_approvers = 2\n+ $.approval_workflows.actions.pod_restart.required_approvers = 3", await AdminAsync(bot, "policy diff"));
        Assert.Contains("ada@example.com  first", await AdminAsync(bot, "policy history"));
        Assert.Contains("#sre-leads", await AdminAsync(bot, "policy show team", TestBot.Viewer));
        Assert.Contains("version 3 now", await AdminAsync(bot, "policy rollback 1"));
        Assert.Contains("pod_restart  2 of role admin", await AdminAsync(bot, "workflows list"));
        Assert.Contains("says that already", await AdminAsync(bot, "workflows set pod_restart required_approvers=2"));
    }

    [Fact]
    public async Task An_org_admin_changes_the_organizations_policy_and_every_team_has_it()
    {
        await using var bot = await StartAsync();
        await bot.Database.QueryAsync<int>(
            $"""
            insert into app.role_grants (id, person_id, org_id, role, granted_by)
            select gen_random_uuid(), person_id, 'acme', 'org_admin', 'test' from app.person_identities where subject = 'T1:{TestBot.SecondAdmin}' returning 1
            """);

        Assert.Contains("organization acme is version 1", await AdminAsync(bot, "tools set kubernetes.* require_approval=true --org", TestBot.SecondAdmin));

        Assert.Contains("$.tools.kubernetes.*", await AdminAsync(bot, "tools explain get_pods in pay", TestBot.SecondAdmin));
        Assert.Contains("never set", await AdminAsync(bot, "policy show team"));
        Assert.Contains("kubernetes.*", await AdminAsync(bot, "policy show org"));
    }

    [Fact]
    public async Task Two_admins_who_change_it_at_once_lose_nothing_of_each_other()
    {
        await using var bot = await StartAsync();

        var said = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => AdminAsync(bot, $"workflows set default reminder_minutes={i + 2}", i % 2 == 0 ? TestBot.Admin : TestBot.SecondAdmin)));

        var changed = said.Count(s => s.Contains("in force", StringComparison.OrdinalIgnoreCase));
        Assert.InRange(changed, 1, 8);
        Assert.Equal(changed, Assert.Single(await bot.Database.QueryAsync<int>("select max(version) from app.policies")));
        Assert.Equal(changed, Assert.Single(await bot.Database.QueryAsync<int>("select count(*)::int from app.policies")));
        Assert.All(said, s => Assert.True(s.Contains("In force") || s.Contains("somebody else changed"), s));
    }

    [Fact]
    public async Task Verify_answers_afterwards_and_export_writes_itself_into_the_trail()
    {
        await using var bot = await StartAsync();
        await bot.RunAsync<AfterAnswer>();

        Assert.Contains("Verifying", await AdminAsync(bot, "audit verify"));
        await Eventually.TrueAsync(() => bot.Slack.Responses.Any(r => r.Item2.Contains("chain holds")), "the result of the verification");

        Assert.Contains("configuration_changed", await AdminAsync(bot, "tools set pod_restart enabled=false") + await AdminAsync(bot, "audit export"));
        Assert.Equal("ada@example.com", Assert.Single(await bot.AuditAsync(AuditEventTypes.DataAccessed)).UserId);
        Assert.Contains("data_accessed", await AdminAsync(bot, "audit tail 1"));
    }

    [Fact]
    public async Task Hostile_names_settings_and_notes_come_back_inert_or_are_refused()
    {
        await using var bot = await StartAsync();
        const string Hostile = "<!channel>\u202E<https://evil.example|x>";

        Assert.DoesNotContain("\u202E", await AdminAsync(bot, $"tools show {Hostile}"));
        Assert.DoesNotContain("\u202E", await AdminAsync(bot, $"tools set pod_restart enabled={Hostile}"));
        Assert.Contains("version 1", await AdminAsync(bot, $"tools set pod_restart enabled=false --note \"{Hostile}\""));
        Assert.DoesNotContain("\u202E", await AdminAsync(bot, "policy history"));
        Assert.Contains("at most 4000", await AdminAsync(bot, "tools set pod_restart " + new string('x', 100_000)));
    }

    // As it reads: the message's text and then every text of its blocks.
    private static async Task<string> AdminAsync(TestBot bot, string text, string user = TestBot.Admin)
    {
        var reply = await bot.RawCommandAsync(user, text, TestBot.Incidents, "/incidentfox-admin");
        Assert.Equal(SlackReplyKind.Ephemeral, reply.Kind);
        return string.Join('\n', [reply.Message!.Text, .. reply.Message.Blocks.SelectMany(b => Texts(JsonNode.Parse(SlackJson.Serialize(b))))]);
    }

    private static IEnumerable<string> Texts(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(m => m.Key == "text" && m.Value is JsonValue v ? [v.ToString()] : Texts(m.Value)),
        JsonArray a => a.SelectMany(Texts),
        _ => [],
    };

    private async Task<TestBot> StartAsync()
    {
        var bot = await TestBot.CreateAsync(postgres);
        await new ToolDirectory(bot.Database.Gateway).PublishAsync(
        [
            new(null, "kubernetes", "get_pods", ToolEffect.Read, "Lists pods.", true), new(null, "kubernetes", "pod_restart", ToolEffect.Write, "Restarts a pod.", true),
            new(null, "kubernetes", "scale_deployment", ToolEffect.Write, "Scales.", true), new(null, "docker", "docker_exec", ToolEffect.Exec, "Runs a command.", true),
            new(new TeamId("pay"), "ledger", "pay_only", ToolEffect.Read, "Not shop's.", true),
        ], Ct);
        return bot;
    }
}
