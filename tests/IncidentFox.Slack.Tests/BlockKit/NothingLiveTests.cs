using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Slack.Tests.BlockKit;

/// <summary>Whatever string goes in, Slack finds no mention, link, date or image in what comes out.</summary>
public sealed partial class NothingLiveTests
{
    [Fact]
    public void In_a_message_made_of_strangers_strings_nothing_is_live() => InertTextTests.Hostile.Sample(text =>
    {
        var json = SlackJson.Serialize(MessageJson.Of(Everything(text)));
        using var document = JsonDocument.Parse(json);
        AssertNothingLive(document.RootElement);
    });

    [Fact]
    public void In_a_view_made_of_strangers_strings_nothing_is_live() => InertTextTests.Hostile.Sample(text =>
    {
        var view = new ModalView(SlackText.Inert(text, 24, "-"), [new InputBlock("b", SlackText.Inert(text, 100, "-"), new PlainTextInputElement("a", placeholder: SlackText.Inert(text, 150, "-")))], "c", "OK");
        using var document = JsonDocument.Parse(SlackJson.Serialize<SlackView>(view));
        AssertNothingLive(document.RootElement);
    });

    [Fact]
    public void Without_making_it_inert_first_nothing_is_live_either() => InertTextTests.Hostile.Where(t => t.Length is > 0 and < 150).Sample(text =>
    {
        var message = new SlackMessage(text, new HeaderBlock(text), new RichTextBlock(new RichTextSection(new TextRun(text))));
        using var document = JsonDocument.Parse(SlackJson.Serialize(MessageJson.Of(message)));
        AssertNothingLive(document.RootElement);
    });

    [Fact]
    public void The_check_itself_finds_what_is_live()
    {
        var live = new SlackMessage("x", new SectionBlock(Mrkdwn.Format($"{Mrkdwn.User("U1")}")));
        using var document = JsonDocument.Parse(SlackJson.Serialize(MessageJson.Of(live)));
        Assert.ThrowsAny<Exception>(() => AssertNothingLive(document.RootElement));
    }

    [Fact]
    public void A_hole_cannot_format() => InertTextTests.Hostile.Sample(text =>
    {
        var hole = Mrkdwn.Format($"{text}").Text;
        return !hole.AsSpan().ContainsAny('*', '~', '`') && !hole.Contains('\n') && !Emoji().IsMatch(hole);
    });

    [Fact]
    public void A_hole_never_breaks_a_limit_however_much_escaping_it_needs()
    {
        foreach (var hostile in (string[])["&", "<", "*", "\u200B", "_", "[", "é", "😀"])
        {
            var text = string.Concat(Enumerable.Repeat(hostile, 5000));
            _ = new SectionBlock(Mrkdwn.Format($"{text} {text} {text} {text} {text}"));
            _ = new MarkdownBlock(Markdown.Format($"{text} {text} {text} {text} {text} {text} {text} {text} {text} {text}"));
            Assert.InRange(Mrkdwn.Format($"{Mrkdwn.Text(text, 50)}").Text.Length, 40, 50);
            Assert.InRange(Markdown.Text(text, 50).Text.Length, 40, 50);
        }
    }

    [Fact]
    public void A_cut_hole_ends_on_a_whole_escape() =>
        Gen.Select(InertTextTests.Hostile, Gen.Int[1, 60]).Sample((text, max) =>
            Mrkdwn.Format($"{Mrkdwn.Text(text, max)}").Text is var cut && cut.Length <= max
            && !System.Text.RegularExpressions.Regex.IsMatch(cut, "&(?!amp;|lt;|gt;)"));

    [Fact]
    public void Names_with_underscores_stay_as_they_are() => Assert.Equal("http_requests_total of 10:30:15", Mrkdwn.Format($"{"http_requests_total"} of {"10:30:15"}").Text);

    private static SlackMessage Everything(string text) => new(
        SlackText.Inert(text, 4000, "-"),
        new HeaderBlock(SlackText.Inert(text, Limits.HeaderText, "-")),
        new SectionBlock(Mrkdwn.Format($"Service {text} is broken"), [new PlainText(SlackText.Inert(text, 2000, "-")), Mrkdwn.Format($"*x* {text}")]),
        new ContextBlock(Mrkdwn.Format($"by {text}")),
        new MarkdownBlock(Markdown.Format($"# Report\n- {text}\n")),
        new ActionsBlock([new ButtonElement("a", SlackText.Inert(text, 75, "-"), SlackText.Inert(text, 2000, "-"), confirm: new ConfirmDialog("t", SlackText.Inert(text, 300, "-"), "y", "n"))]),
        new RichTextBlock(
            new RichTextSection(new TextRun(SlackText.Inert(text, 3000, "-"), TextStyle.InBold)),
            new RichTextList(RichTextListStyle.Bullet, [new RichTextSection(new TextRun(SlackText.Inert(text, 3000, "-")))]),
            new RichTextPreformatted(new TextRun(SlackText.InertLines(text, 3000, "-")))));

    private static void AssertNothingLive(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
            {
                AssertNothingLive(item);
            }
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        var type = element.TryGetProperty("type", out var t) ? t.GetString() : "message";
        Assert.DoesNotContain(type, new[] { "link", "user", "usergroup", "broadcast", "channel", "image", "emoji", "date" });
        Assert.False(element.TryGetProperty("url", out _));
        if (type is "mrkdwn" or "message" && element.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
        {
            Assert.DoesNotContain('<', text.GetString()!);
            Assert.DoesNotContain('>', text.GetString()!);
        }

        if (type == "mrkdwn")
        {
            Assert.True(element.GetProperty("verbatim").GetBoolean());
        }

        if (type == "markdown")
        {
            var markup = element.GetProperty("text").GetString()!;
            Assert.DoesNotContain('<', markup);
            Assert.DoesNotMatch(LiveMarkdown(), markup[markup.IndexOf("- ", StringComparison.Ordinal)..]);
        }

        foreach (var property in element.EnumerateObject())
        {
            AssertNothingLive(property.Value);
        }
    }

    [GeneratedRegex(@":[a-z_]+:")]
    private static partial Regex Emoji();

    // Brackets, backticks and addresses that no backslash makes literal.
    [GeneratedRegex(@"(?<!\\)[\[\]`*_~@]|://")]
    private static partial Regex LiveMarkdown();
}
