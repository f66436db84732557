using IncidentFox.Bot.Buttons;
using IncidentFox.Bot.Inbound;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Policy;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Tests.Buttons;

public sealed class DecisionTests(BotPostgres postgres)
{
    [Fact]
    public async Task An_admins_click_counts_and_the_gateway_grants_it()
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot);

        await bot.ClickAsync(TestBot.Admin, ApproveButton.Id, value);

        Assert.Equal("Your approval counts.", await SaidAsync(bot));
        Assert.True(await bot.Execution.GrantAsync(approval, TestBot.Ct));
    }

    [Theory]
    [InlineData(TestBot.Operator, "somebody else has to decide")]
    [InlineData(TestBot.Viewer, "needs the role admin")]
    [InlineData(TestBot.Outsider, "another Slack workspace")]
    [InlineData("U9NOBODY", "could not be asked")]
    public async Task Who_may_not_decide_is_told_why_and_no_vote_is_there(string user, string reason)
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot);

        await bot.ClickAsync(user, ApproveButton.Id, value);

        Assert.Contains(reason, await SaidAsync(bot));
        Assert.Empty((await bot.ApprovalAsync(approval)).Votes);
        Assert.False(await bot.Execution.GrantAsync(approval, TestBot.Ct));
        Assert.Single((await bot.AuditAsync(AuditEventTypes.ApprovalRefused)).Concat(await bot.AuditAsync(AuditEventTypes.AccessDenied)));
    }

    [Theory]
    [InlineData("bot", "Bots")]
    [InlineData("guest", "Guests")]
    [InlineData("deleted", "deactivated")]
    [InlineData("foreign", "another Slack workspace")]
    [InlineData("unsaid", "which workspace")]
    public async Task An_admin_whose_account_is_no_full_member_does_not_decide(string kind, string reason)
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot);
        bot.Slack.Users[TestBot.Admin] = new SlackUser
        {
            Id = TestBot.Admin,
            Name = "ada",
            TeamId = kind switch { "foreign" => "T9", "unsaid" => null, _ => TestBot.Workspace },
            IsBot = kind == "bot",
            IsRestricted = kind == "guest",
            IsDeleted = kind == "deleted",
        };

        await bot.ClickAsync(TestBot.Admin, ApproveButton.Id, value);

        Assert.Contains(reason, await SaidAsync(bot));
        Assert.Empty((await bot.ApprovalAsync(approval)).Votes);
    }

    [Fact]
    public async Task When_Slack_cannot_be_asked_nothing_is_decided()
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot);
        bot.Slack.FailNext("user", FakeSlack.Error("unreachable"));

        await bot.ClickAsync(TestBot.Admin, ApproveButton.Id, value);

        Assert.Contains("nothing was decided", await SaidAsync(bot));
        Assert.Empty((await bot.ApprovalAsync(approval)).Votes);
    }

    [Fact]
    public async Task An_admins_id_from_another_workspace_is_somebody_else()
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot);

        await bot.ClickAsync(TestBot.Admin, ApproveButton.Id, value, workspace: "T9");

        Assert.Contains("another Slack workspace", await SaidAsync(bot));
        Assert.Empty((await bot.ApprovalAsync(approval)).Votes);
    }

    [Fact]
    public async Task Ten_clicks_of_one_person_are_one_vote()
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot, new Workflow { RequiredApprovers = 2 });

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => bot.ClickAsync(TestBot.Admin, ApproveButton.Id, value)));

        Assert.Single((await bot.ApprovalAsync(approval)).Votes);
        Assert.False(await bot.Execution.GrantAsync(approval, TestBot.Ct));
        await bot.ClickAsync(TestBot.SecondAdmin, ApproveButton.Id, value);
        Assert.True(await bot.Execution.GrantAsync(approval, TestBot.Ct));
    }

    [Fact]
    public async Task A_card_of_another_digest_or_a_made_up_value_decides_nothing()
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot);
        string?[] values =
        [
            $"{approval}:{new string('0', 16)}", $"{approval}", null, "", "x:y", $"{ApprovalId.New()}:{value.Split(':')[1]}", $"{value}:more", new string('a', 100_000), value.ToUpperInvariant(),
        ];

        foreach (var made in values)
        {
            await bot.ClickAsync(TestBot.Admin, ApproveButton.Id, made);
            Assert.Contains("card", await SaidAsync(bot));
        }

        Assert.Empty((await bot.ApprovalAsync(approval)).Votes);
    }

    [Fact]
    public async Task Too_late_is_refused_also_before_the_sweep_came_by()
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot);
        await bot.Database.ShiftClockAsync(TimeSpan.FromMinutes(31));

        await bot.ClickAsync(TestBot.Admin, ApproveButton.Id, value);

        Assert.Contains("time for a decision is over", await SaidAsync(bot));
        Assert.Empty((await bot.ApprovalAsync(approval)).Votes);
    }

    [Fact]
    public async Task Deny_asks_why_and_the_reason_is_kept()
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot);

        await bot.ClickAsync(TestBot.Admin, DenyButton.Id, value);
        await Eventually.TrueAsync(() => !bot.Slack.Modals.IsEmpty, "the modal");
        Assert.True(bot.Slack.Modals.TryDequeue(out var modal));
        Assert.Equal(ApprovalState.Pending, (await bot.ApprovalAsync(approval)).State);
        Assert.Equal(SlackReplyKind.ViewErrors, (await bot.SubmitAsync(TestBot.Admin, modal.CallbackId!, modal.PrivateMetadata, "   ")).Kind);
        Assert.Equal(SlackReplyKind.ViewErrors, (await bot.SubmitAsync(TestBot.Admin, modal.CallbackId!, modal.PrivateMetadata, new string('x', 251))).Kind);
        Assert.Equal(SlackReplyKind.Ok, (await bot.SubmitAsync(TestBot.Admin, modal.CallbackId!, modal.PrivateMetadata, "not on a Friday", "wait for Monday")).Kind);

        var denied = await bot.ApprovalAsync(approval);
        Assert.Equal(ApprovalState.Denied, denied.State);
        Assert.Equal("not on a Friday (wait for Monday)", denied.DecisionReason);
        await bot.ClickAsync(TestBot.SecondAdmin, ApproveButton.Id, value);
        Assert.Contains("already denied", await SaidAsync(bot));
        Assert.Empty((await bot.ApprovalAsync(approval)).Votes);
    }

    [Fact]
    public async Task A_forged_modal_of_the_requester_denies_nothing()
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot);

        await bot.SubmitAsync(TestBot.Operator, DenyModal.Id, $"{value} {TestBot.Approvals}", "because");
        await bot.SubmitAsync(TestBot.Viewer, DenyModal.Id, value, "because");

        Assert.Equal(ApprovalState.Pending, (await bot.ApprovalAsync(approval)).State);
    }

    [Fact]
    public async Task A_denial_wins_over_an_approval_that_has_not_started()
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot);
        await bot.ClickAsync(TestBot.Admin, ApproveButton.Id, value);
        Assert.True(await bot.Execution.GrantAsync(approval, TestBot.Ct));

        await bot.SubmitAsync(TestBot.SecondAdmin, DenyModal.Id, $"{value} {TestBot.Approvals}", "stop");

        Assert.Equal(ApprovalState.Denied, (await bot.ApprovalAsync(approval)).State);
        Assert.Null(await bot.Execution.ClaimAsync(approval, "gateway-1", TestBot.Ct));
    }

    [Fact]
    public async Task A_denial_after_the_start_is_too_late_and_says_so()
    {
        await using var bot = await StartAsync();
        var (approval, value) = await AskAsync(bot);
        await bot.ClickAsync(TestBot.Admin, ApproveButton.Id, value);
        await SaidAsync(bot);
        await bot.GrantAndClaimAsync(approval);

        await bot.SubmitAsync(TestBot.SecondAdmin, DenyModal.Id, $"{value} {TestBot.Approvals}", "stop");

        await Eventually.TrueAsync(() => bot.Slack.Ephemerals.Any(e => e.Text.Contains("already executing", StringComparison.Ordinal)), "the refusal");
    }

    private async Task<TestBot> StartAsync()
    {
        var bot = await TestBot.CreateAsync(postgres);
        await bot.RunAsync<AfterAnswer>();
        return bot;
    }

    private static async Task<(ApprovalId Id, string Value)> AskAsync(TestBot bot, Workflow? workflow = null)
    {
        var id = await bot.AskAsync(await bot.InvestigateAsync(), workflow: workflow);
        return (id, CardValue.Of(await bot.ApprovalAsync(id)).ToString());
    }

    private static async Task<string> SaidAsync(TestBot bot)
    {
        (string Url, string Text) said = ("", "");
        await Eventually.TrueAsync(() => bot.Slack.Responses.TryDequeue(out said), "an answer to the click");
        return said.Text;
    }
}
