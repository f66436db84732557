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

public sealed class PolicyFormTests(BotPostgres postgres)
{
    private const string Tool = "policy.tool";
    private const string Workflow = "policy.workflow";
    private const string Whole = "policy.whole";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_form_opens_with_what_the_layer_says_and_saves_what_was_changed()
    {
        await using var bot = await StartAsync();
        await AdminAsync(bot, "workflows set pod_restart required_approvers=2 approvers=ada@example.com,group:@leads escalation=\"10 role:admin #leads\"");
        var view = await OpenAsync(bot, "workflows set pod_restart");
        var shown = SlackJson.Serialize(view);
        Assert.Contains("ada@example.com, group:@leads", shown);
        Assert.Contains("10 role:admin #leads", shown);

        var reply = await SubmitAsync(bot, Workflow, view.PrivateMetadata, [("required_approvers", "3"), ("timeout_minutes", "7.5"), ("approvers", "ada@example.com"), ("break_glass", "true"), ("note", "more eyes")]);

        Assert.Equal(SlackReplyKind.Ok, reply.Kind);
        var terms = Assert.Single((await bot.Get<PolicyStore>().EffectiveAsync(new OrgId("acme"), new TeamId("shop"), Ct)).Workflows);
        Assert.Equal((3, 7.5m, true, null), (terms.RequiredApprovers, terms.TimeoutMinutes, terms.BreakGlass, terms.Escalation));
        Assert.Equal("ada@example.com", Assert.Single(terms.Who!.Approvers).Value);
        Assert.Contains((await bot.AuditAsync(AuditEventTypes.ConfigurationChanged)), e => e.Details?["note"]?.ToString() == "more eyes" && e.UserId == "ada@example.com");
        await Eventually.TrueAsync(() => bot.Slack.Ephemerals.Any(e => e.Item1 == TestBot.Incidents && e.Item2 == TestBot.Admin && e.Item3.Contains("version 2")), "the answer in the channel");
    }

    [Fact]
    public async Task A_tool_that_is_left_open_everywhere_has_no_entry_any_more()
    {
        await using var bot = await StartAsync();
        await AdminAsync(bot, "tools set pod_restart allowed_roles=operator,admin enabled=false");
        var view = await OpenAsync(bot, "tools set pod_restart");
        Assert.Equal("operator", ((StaticSelectElement)view.Blocks.OfType<InputBlock>().Single(b => b.BlockId == "allowed_roles").Element).InitialOption!.Value);

        await SubmitAsync(bot, Tool, view.PrivateMetadata, [("enabled", "default"), ("allowed_roles", "default"), ("require_approval", "default")]);

        Assert.Equal("{}", (await bot.Get<PolicyStore>().CurrentAsync(new OrgId("acme"), new TeamId("shop"), Ct))!.Json);
    }

    [Fact]
    public async Task What_is_wrong_is_said_beside_its_input_all_of_it_and_nothing_is_changed()
    {
        await using var bot = await StartAsync();
        var view = await OpenAsync(bot, "workflows set pod_restart");

        var formless = await SubmitAsync(bot, Workflow, view.PrivateMetadata, [("required_approvers", "many"), ("escalation", "soon")]);
        Assert.Equal(["required_approvers", "escalation"], formless.Errors!.Keys);
        var wrong = await SubmitAsync(bot, Workflow, view.PrivateMetadata,
            [("required_approvers", "21"), ("timeout_minutes", "10"), ("reminder_minutes", "60"), ("approvers", "somebody"), ("approver_role", "admin"), ("allow_self_approval", "true")]);
        Assert.Equal(SlackReplyKind.ViewErrors, wrong.Kind);
        Assert.Equal(["allow_self_approval", "approver_role", "approvers", "reminder_minutes", "required_approvers"], wrong.Errors!.Keys.Order());

        Assert.Equal(0, Assert.Single(await bot.Database.QueryAsync<int>("select count(*)::int from app.policies")));
    }

    [Fact]
    public async Task A_form_that_somebody_else_overtook_changes_nothing()
    {
        await using var bot = await StartAsync();
        var view = await OpenAsync(bot, "tools set pod_restart");
        await AdminAsync(bot, "tools set get_pods enabled=false");

        var reply = await SubmitAsync(bot, Tool, view.PrivateMetadata, [("enabled", "false")]);

        Assert.Contains("somebody changed this policy meanwhile", Assert.Single(reply.Errors!).Value);
        Assert.Equal(1, Assert.Single(await bot.Database.QueryAsync<int>("select count(*)::int from app.policies")));
    }

    [Fact]
    public async Task The_whole_policy_is_edited_as_JSON_and_an_invalid_one_stays_in_the_form_with_every_error()
    {
        await using var bot = await StartAsync();
        var view = await OpenAsync(bot, "policy edit");

        var wrong = await SubmitAsync(bot, Whole, view.PrivateMetadata, [("json", """{"tools":{"a":{"enabled":1}},"colour":2}""")]);
        Assert.Contains("$.colour: is not known", wrong.Errors!["json"]);
        Assert.Contains("$.tools.a.enabled: must be true or false", wrong.Errors["json"]);
        Assert.Contains("not valid JSON", (await SubmitAsync(bot, Whole, view.PrivateMetadata, [("json", "{")])).Errors!["json"]);

        var page = """{"tools":{"docker_exec":{"enabled":true,"allowed_roles":["admin"],"require_approval":true}}}""";
        Assert.Equal(SlackReplyKind.Ok, (await SubmitAsync(bot, Whole, view.PrivateMetadata, [("json", page)])).Kind);
        Assert.Contains("by now", (await SubmitAsync(bot, Whole, view.PrivateMetadata, [("json", "{}")])).Errors!["json"]);
        Assert.Contains("docker_exec", SlackJson.Serialize(await OpenAsync(bot, "policy edit")));
    }

    [Fact]
    public async Task A_policy_that_no_form_can_hold_is_for_the_command_line()
    {
        await using var bot = await StartAsync();
        var long_ = new JsonObject { ["environments"] = new JsonObject(Enumerable.Range(0, 100).Select(i => KeyValuePair.Create($"e{i}", (JsonNode?)new JsonObject { ["namespaces"] = new JsonArray("some-namespace") }))) };
        await bot.Get<PolicyStore>().SetAsync(new OrgId("acme"), new TeamId("shop"), long_.ToJsonString(), 0, "test", null, Ct);

        Assert.Contains("incidentfox policy set", (await AdminAsync(bot, "policy edit")).Message!.Text);
        Assert.Empty(bot.Slack.Modals);
    }

    [Theory]
    [InlineData(TestBot.Operator, TestBot.Incidents, "team", "needs the role admin")]
    [InlineData(TestBot.Outsider, TestBot.Incidents, "team", "no role")]
    [InlineData(TestBot.Admin, TestBot.Incidents, "org", "needs the role org_admin")]
    [InlineData(TestBot.Admin, TestBot.OtherTeam, "team", "no role there")]
    [InlineData(TestBot.Admin, TestBot.NoTeam, "team", "belongs to no team")]
    public async Task A_form_that_was_forged_is_judged_by_who_sends_it(string user, string channel, string whose, string reason)
    {
        await using var bot = await StartAsync();
        foreach (var callback in new[] { Tool, Workflow, Whole })
        {
            var reply = await SubmitAsync(bot, callback, $"{channel} {whose} 0 {(callback == Whole ? "" : "pod_restart")}", [("enabled", "false"), ("required_approvers", "1"), ("json", "{\"max_pending_per_team\":1}")], user);
            Assert.Contains(reason, Assert.Single(reply.Errors!).Value);
        }
        Assert.Equal(0, Assert.Single(await bot.Database.QueryAsync<int>("select count(*)::int from app.policies")));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("C1INCIDENTS team x pod_restart")]
    [InlineData("C1INCIDENTS everybody 0 pod_restart")]
    [InlineData("C1INCIDENTS team 0 pod_restart more")]
    public async Task Garbage_from_the_client_is_refused(string? metadata)
    {
        await using var bot = await StartAsync();
        Assert.Contains("does not belong", Assert.Single((await SubmitAsync(bot, Tool, metadata, [("enabled", "false")])).Errors!).Value);
    }

    private static async Task<SlackReply> AdminAsync(TestBot bot, string text) => await bot.RawCommandAsync(TestBot.Admin, text, TestBot.Incidents, "/incidentfox-admin");

    private static async Task<ModalView> OpenAsync(TestBot bot, string text)
    {
        Assert.Equal(SlackReplyKind.Ok, (await AdminAsync(bot, text)).Kind);
        await Eventually.TrueAsync(() => !bot.Slack.Modals.IsEmpty, "the form");
        Assert.True(bot.Slack.Modals.TryDequeue(out var view));
        return view;
    }

    private static async Task<SlackReply> SubmitAsync(TestBot bot, string callback, string? metadata, (string Block, string Value)[] typed, string user = TestBot.Admin) =>
        await bot.Get<ISlackHandler>().OnInteractionAsync(new SlackInteraction
        {
            Type = SlackInteractionType.ViewSubmission, DeliveryKey = Guid.NewGuid().ToString("N"), UserId = user, UserTeamId = TestBot.Workspace, TeamId = TestBot.Workspace,
            View = new SlackSubmittedView
            {
                Id = "V1", CallbackId = callback, PrivateMetadata = metadata,
                Values = typed.ToDictionary(t => t.Block, t => (IReadOnlyDictionary<string, string?>)new Dictionary<string, string?> { ["value"] = t.Value }),
            },
        }, Ct);

    private async Task<TestBot> StartAsync()
    {
        var bot = await TestBot.CreateAsync(postgres);
        await bot.RunAsync<AfterAnswer>();
        await new ToolDirectory(bot.Database.Gateway).PublishAsync(
            [new(null, "kubernetes", "get_pods", ToolEffect.Read, "Lists pods.", true), new(null, "kubernetes", "pod_restart", ToolEffect.Write, "Restarts a pod.", true)], Ct);
        return bot;
    }
}
