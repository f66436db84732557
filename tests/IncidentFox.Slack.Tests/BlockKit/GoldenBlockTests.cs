using IncidentFox.Slack.BlockKit;
using IncidentFox.Slack.Tests.Support;

namespace IncidentFox.Slack.Tests.BlockKit;

/// <summary>The JSON that Slack gets, for a person to read. Change it with UPDATE_GOLDEN=1.</summary>
public sealed class GoldenBlockTests
{
    private static readonly DateTimeOffset At = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Every_block_of_a_message()
    {
        Assert.True(new SlackLinks(["grafana.example.com"]).TryAllow("https://grafana.example.com/d/1?a=b&c=d", out var link));
        var message = new SlackMessage(
            "Approval needed",
            new HeaderBlock("Restart pod checkout-7d9f?"),
            new SectionBlock(
                Mrkdwn.Format($"*Asked by* {Mrkdwn.User("U1")} in {Mrkdwn.Channel("C1")}, *until* {Mrkdwn.Date(At)}: {"<!channel> *now*"} {Mrkdwn.Link(link, "dashboard")}"),
                [new PlainText("Namespace: shop"), Mrkdwn.Format($"*Pods* {3}")],
                new ButtonElement("details", "Details", "apr_1")),
            new ContextBlock(new PlainText("Said by the agent")),
            new DividerBlock(),
            new MarkdownBlock(Markdown.Format($"**What happened**: {"[x](https://evil.example) <b>"}")),
            new RichTextBlock(
                new RichTextSection(new TextRun("Why", TextStyle.InBold), new TextRun(" by "), new UserRun("U1"), new ChannelRun("C1"), new DateRun(At), new LinkRun(link, "graph")),
                new RichTextList(RichTextListStyle.Ordered, [new RichTextSection(new TextRun("first")), new RichTextSection(new TextRun("second", TextStyle.AsCode))], indent: 1),
                new RichTextPreformatted(new TextRun("OOMKilled\n  exit 137")),
                new RichTextQuote(new TextRun("it was fine yesterday", TextStyle.InItalic))),
            new ActionsBlock(
                [
                    new ButtonElement("approve", "Approve", "apr_1", ButtonStyle.Primary, new ConfirmDialog("Approve?", "Exactly this runs, once.", "Approve", "Not now", ButtonStyle.Danger)),
                    new ButtonElement("deny", "Deny", "apr_1", ButtonStyle.Danger),
                    new ButtonElement("open", "Open", link: link, accessibilityLabel: "Open the dashboard"),
                ],
                "decision"));
        Golden.Matches("message", SlackJson.Serialize(MessageJson.Of(message)));
    }

    [Fact]
    public void A_modal()
    {
        var soon = new SelectOption("Soon", "soon");
        SlackView view = new ModalView(
            "Deny",
            [
                new InputBlock("reason", "Why?", new PlainTextInputElement("text", multiline: true, placeholder: "For the audit trail", minLength: 3, maxLength: 500), hint: "Everyone sees this"),
                new InputBlock("again", "Ask again?", new StaticSelectElement("pick", [new SelectOption("Never", "never"), soon], "Choose", soon), optional: true),
            ],
            "deny_reason",
            "Deny",
            "Cancel",
            "apr_1",
            notifyOnClose: true);
        Golden.Matches("modal", SlackJson.Serialize(view));
    }

    [Fact]
    public void A_home_tab() => Golden.Matches("home", SlackJson.Serialize<SlackView>(new HomeView([new HeaderBlock("Investigations")], "home")));
}
