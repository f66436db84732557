using IncidentFox.Bot.Buttons;
using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Inbound;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Policy;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Tests.Buttons;

public sealed class MoreTests(BotPostgres postgres)
{
    private static readonly Workflow Glass = new() { RequiredApprovers = 2, BreakGlass = true };

    [Fact]
    public async Task A_vote_is_taken_back_and_the_card_says_so()
    {
        await using var bot = await StartAsync();
        var (id, value) = await AskAsync(bot, new Workflow { RequiredApprovers = 2 });
        await bot.ClickAsync(TestBot.Admin, ApproveButton.Id, value);
        await SaidAsync(bot);

        await SubmitAsync(bot, TestBot.Admin, value, MoreModal.Withdraw);

        Assert.Equal("Your approval does not count any more.", await SaidInChannelAsync(bot));
        Assert.Empty((await bot.ApprovalAsync(id)).Votes);
    }

    [Fact]
    public async Task An_approval_with_a_comment_shows_it_inert()
    {
        await using var bot = await StartAsync();
        var (id, value) = await AskAsync(bot, new Workflow { RequiredApprovers = 2 });

        await SubmitAsync(bot, TestBot.Admin, value, MoreModal.Approve, "looked at it <!channel> \u202E*really*");

        var json = SlackJson.Serialize(ApprovalCard.Render(await bot.ApprovalAsync(id), null));
        Assert.Contains("looked at it", json, StringComparison.Ordinal);
        Assert.DoesNotContain("\u202E", json, StringComparison.Ordinal);
        Assert.DoesNotContain("mrkdwn\",\"text\":\"Ada", json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_modal_offers_what_the_person_can_do_and_the_requester_calls_it_off()
    {
        await using var bot = await StartAsync();
        var (id, value) = await AskAsync(bot, Glass);
        Assert.Equal([MoreModal.Cancel], await OfferedAsync(bot, TestBot.Operator, value));
        Assert.Equal([MoreModal.Approve, MoreModal.BreakGlass], await OfferedAsync(bot, TestBot.Admin, value));
        await bot.ClickAsync(TestBot.Admin, ApproveButton.Id, value);
        Assert.Equal([MoreModal.Withdraw, MoreModal.BreakGlass], await OfferedAsync(bot, TestBot.Admin, value));

        await SubmitAsync(bot, TestBot.Operator, value, MoreModal.Cancel, "it healed");

        var cancelled = await bot.ApprovalAsync(id);
        Assert.Equal((ApprovalState.Cancelled, "Otto", "it healed"), (cancelled.State, cancelled.DecidedBy, cancelled.DecisionReason));
    }

    [Theory]
    [InlineData(TestBot.Operator, MoreModal.Approve)]
    [InlineData(TestBot.Operator, MoreModal.BreakGlass)]
    [InlineData(TestBot.Operator, MoreModal.Withdraw)]
    [InlineData(TestBot.Viewer, MoreModal.BreakGlass)]
    [InlineData(TestBot.Viewer, MoreModal.Cancel)]
    [InlineData(TestBot.Admin, MoreModal.Cancel)]
    [InlineData(TestBot.Outsider, MoreModal.BreakGlass)]
    public async Task A_forged_modal_does_nothing_that_the_person_may_not(string user, string what)
    {
        await using var bot = await StartAsync();
        var (id, value) = await AskAsync(bot, Glass);

        await SubmitAsync(bot, user, value, what, "because");

        var approval = await bot.ApprovalAsync(id);
        Assert.Equal(ApprovalState.Pending, approval.State);
        Assert.Empty(approval.Votes);
        Assert.Null(approval.BreakGlass);
        Assert.Single((await bot.AuditAsync(AuditEventTypes.ApprovalRefused)).Concat(await bot.AuditAsync(AuditEventTypes.AccessDenied)));
    }

    [Theory]
    [InlineData("break_glass", "")]
    [InlineData("break_glass", "   ")]
    [InlineData("execute", "x")]
    [InlineData("", "x")]
    [InlineData(null, "x")]
    public async Task What_is_not_complete_stays_in_the_modal(string? what, string reason)
    {
        await using var bot = await StartAsync();
        var (id, value) = await AskAsync(bot, Glass);

        Assert.Equal(SlackReplyKind.ViewErrors, (await bot.SubmitAsync(TestBot.Admin, MoreModal.Id, value, reason, what: what)).Kind);
        Assert.Equal(SlackReplyKind.ViewErrors, (await bot.SubmitAsync(TestBot.Admin, MoreModal.Id, value, new string('x', 251), what: MoreModal.Approve)).Kind);
        Assert.Null((await bot.ApprovalAsync(id)).BreakGlass);
    }

    [Fact]
    public async Task Broken_glass_is_told_to_everybody_and_stays_open_until_another_admin_closes_it()
    {
        await using var bot = await StartAsync();
        var (id, value) = await AskAsync(bot, Glass);
        await bot.CardsAsync();
        await SubmitAsync(bot, TestBot.Admin, value, MoreModal.BreakGlass, "checkout is down <!here>");
        await bot.ExecuteAsync(id);
        await NoticesAsync(bot);
        await bot.CardsAsync();

        var told = Assert.Single(bot.Slack.Messages, m => m.Json.Contains("broadcast", StringComparison.Ordinal));
        Assert.Equal(TestBot.Approvals, told.ChannelId);
        Assert.Contains("Ada acts alone", told.Json, StringComparison.Ordinal);
        Assert.Contains("checkout is down", told.Json, StringComparison.Ordinal);
        Assert.Contains(ReviewButton.Id, Card(bot), StringComparison.Ordinal);
        Assert.Single(await bot.AuditAsync(AuditEventTypes.ApprovalBreakGlass));

        await bot.ClickAsync(TestBot.SecondAdmin, ReviewButton.Id, value);
        await Eventually.TrueAsync(() => !bot.Slack.Modals.IsEmpty, "the modal");
        await bot.SubmitAsync(TestBot.Admin, ReviewModal.Id, value, "my own");
        await bot.SubmitAsync(TestBot.Viewer, ReviewModal.Id, value, "fine");
        Assert.True((await bot.ApprovalAsync(id)).BreakGlass!.ReviewIsOpen);
        await bot.SubmitAsync(TestBot.SecondAdmin, ReviewModal.Id, value, "right so");
        await NoticesAsync(bot);
        await bot.Get<IncidentFox.Bot.Cards.Storage.CardStore>().MarkDirtyAsync(null, TestBot.Ct);
        await bot.CardsAsync();

        Assert.DoesNotContain(ReviewButton.Id, Card(bot), StringComparison.Ordinal);
        Assert.Contains("Reviewed by Amir", Card(bot), StringComparison.Ordinal);
        Assert.Single(bot.Slack.Messages, m => m.Json.Contains("did alone", StringComparison.Ordinal));
        Assert.Single(await bot.AuditAsync(AuditEventTypes.BreakGlassReviewed));
    }

    private static async Task NoticesAsync(TestBot bot)
    {
        await bot.Get<ApprovalNoticeSender>().RecordAsync(TestBot.Ct);
        await bot.Get<ApprovalNoticeSender>().PostAsync(TestBot.Ct);
    }

    private static string Card(TestBot bot) => Assert.Single(bot.Slack.Messages, m => m.Json.Contains("Exactly what", StringComparison.Ordinal)).Json;

    private async Task<TestBot> StartAsync()
    {
        var bot = await TestBot.CreateAsync(postgres);
        await bot.RunAsync<AfterAnswer>();
        return bot;
    }

    private static Task<SlackReply> SubmitAsync(TestBot bot, string user, string value, string what, string reason = "") =>
        bot.SubmitAsync(user, MoreModal.Id, $"{value} {TestBot.Approvals}", reason, what: what);

    private static async Task<IEnumerable<string>> OfferedAsync(TestBot bot, string user, string value)
    {
        await bot.ClickAsync(user, MoreButton.Id, value);
        ModalView? modal = null;
        await Eventually.TrueAsync(() => bot.Slack.Modals.TryDequeue(out modal), "the modal");
        return modal!.Blocks.OfType<InputBlock>().Select(b => b.Element).OfType<StaticSelectElement>().Single().Options.Select(o => o.Value);
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

    private static async Task<string> SaidInChannelAsync(TestBot bot)
    {
        (string ChannelId, string UserId, string Text) said = ("", "", "");
        await Eventually.TrueAsync(() => bot.Slack.Ephemerals.TryDequeue(out said), "an answer to the modal");
        return said.Text;
    }
}
