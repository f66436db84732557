using System.Text.Json;
using CsCheck;
using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Tools;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Tests.Cards;

/// <summary>Whatever an agent, a target or a person wrote: cards stay within Slack's limits (their types throw otherwise) and nothing in them is live.</summary>
public sealed class HostileCardTests
{
    private static readonly string[] Attacks =
    [
        "", " ", "<!channel>", "<!everyone> <@U3ADMIN>", "<https://evil.example|Approve>", "*bold* _it_ ~no~ `code`", "```\nfence", "&lt;!here&gt;", ":white_check_mark: approved",
        "\u202Egnp.exe", "a\u200Bb", "\0\u0001\u001b[31m", "\uD800", "\uFFFE", new string('x', 100_000), string.Concat(Enumerable.Repeat("🦊", 50_000)),
        string.Concat(Enumerable.Repeat("a\u0301", 20_000)), string.Concat(Enumerable.Repeat("line\n", 20_000)), "{\"a\":1}", "<!date^1^{date}|x>",
    ];

    private static readonly Gen<string> AnyText = Gen.OneOf(Gen.Int[0, Attacks.Length - 1].Select(i => Attacks[i]), Gen.String, Gen.String[Gen.Char['\0', '\uFFFF'], 0, 5_000]);

    [Fact]
    public void An_investigations_card_holds_whatever_the_agent_and_the_person_wrote() =>
        Gen.Select(AnyText, AnyText, AnyText, Gen.Int[0, 40], Gen.Enum<InvestigationState>()).Sample((question, words, more, count, state) =>
        {
            var report = JsonSerializer.Serialize(new
            {
                what_happened = words,
                why = more,
                confidence = words,
                method = more,
                evidence = Enumerable.Range(0, count).Select(_ => new { statement = words, tool = more, excerpt = words }),
                next_steps = Enumerable.Repeat(more, count),
                not_seen = Enumerable.Repeat(words, count),
            });
            var steps = JsonSerializer.Serialize(new { @event = "plan", steps = Enumerable.Range(0, count).Select(i => new { id = $"{i}", title = words }) });
            var step = JsonSerializer.Serialize(new { @event = "step", id = "1", title = more, state = words, note = words });
            var notice = JsonSerializer.Serialize(new { @event = "notice", text = words });
            var view = new InvestigationView
            {
                Investigation = Samples.Investigation(state, report, question) with { RequesterName = words, Failure = more },
                Timeline = [Samples.Event(1, "plan", steps), Samples.Event(2, "step", step), Samples.Event(3, "notice", notice)],
                Approvals = [.. Enumerable.Repeat(Hostile(words, more, count, ApprovalState.Executed), Math.Min(count, 6))],
                Driver = words,
            };
            Inert(InvestigationCard.Render(view));
            foreach (var news in ThreadNews.Of(view))
                Inert(NewsMessage.Render(news, null));
        }, iter: 300);

    [Fact]
    public void An_approvals_card_holds_whatever_the_target_is_called() =>
        Gen.Select(AnyText, AnyText, Gen.Int[0, 100], Gen.Enum<ApprovalState>()).Sample((words, more, count, state) =>
            Inert(ApprovalCard.Render(Hostile(words, more, count, state), more.Length == 0 ? null : more)), iter: 300);

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"what_happened\":1,\"evidence\":{},\"next_steps\":[1,null,\"ok\"],\"confidence\":\"certain\"}")]
    [InlineData("{\"what_happened\":\"\\ud800\"}")]
    public void A_report_of_another_shape_is_drawn_as_far_as_it_goes(string report) =>
        Inert(InvestigationCard.Render(new InvestigationView
        {
            Investigation = Samples.Investigation(InvestigationState.Completed, report),
            Approvals = [],
            Driver = null,
            Timeline = [Samples.Event(1, "plan", report), Samples.Event(2, "step", report), Samples.Event(3, "notice", report), Samples.Event(4, "garbage", report)],
        }));

    [Fact]
    public void What_does_not_fit_on_an_approvals_card_is_said_to_be_missing()
    {
        var json = SlackJson.Serialize(ApprovalCard.Render(Hostile(new string('x', 2_000), new string('y', 2_000), 20, ApprovalState.Pending), null));

        Assert.Contains("don't fit here", json.Replace("\\u0027", "'"));
        Assert.Contains("longer than fits", json);
    }

    private static Approval Hostile(string words, string more, int count, ApprovalState state) => Samples.Approval(state, new EffectPreview
    {
        Title = words,
        Request = more,
        Facts = [.. Enumerable.Repeat(new EffectFact(words, more), count)],
        Changes = [.. Enumerable.Repeat(new EffectChange(words, more, words), count)],
        DryRun = more,
        AgentReason = words,
    }, votes: 2) with
    {
        Tool = "pod_restart",
        DecidedBy = words,
        DecisionReason = more,
        Outcome = words,
        Requesters = [.. Enumerable.Repeat(words, count)],
    };

    private static void Inert(SlackMessage message)
    {
        var json = SlackJson.Serialize(message);
        using var document = JsonDocument.Parse(json);
        Walk(document.RootElement.GetProperty("blocks"));
    }

    // Rich text and plain text are shown as they are; mrkdwn may hold no mention, link or special that we did not write, and nothing may be a link or mention.
    private static void Walk(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
                Walk(item);
            return;
        }
        if (element.ValueKind != JsonValueKind.Object)
            return;
        if (element.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String)
        {
            Assert.DoesNotContain(type.GetString(), (string?[])["link", "user", "usergroup", "broadcast", "markdown"]);
            if (type.GetString() == "mrkdwn")
                Assert.DoesNotMatch("<(?!!date\\^)", element.GetProperty("text").GetString()!);
        }
        foreach (var member in element.EnumerateObject())
            Walk(member.Value);
    }
}
