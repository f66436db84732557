using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Slack.Tests.BlockKit;

public sealed class LimitTests
{
    private static string Text(int length) => new('x', length);

    public static TheoryData<string, int, Action<int>> TextLimits { get; } = new()
    {
        { "header", 150, n => _ = new HeaderBlock(Text(n)) },
        { "section text", 3000, n => _ = new SectionBlock(new PlainText(Text(n))) },
        { "section field", 2000, n => _ = new SectionBlock(fields: [new PlainText(Text(n))]) },
        { "button text", 75, n => _ = new ButtonElement("a", Text(n)) },
        { "button value", 2000, n => _ = new ButtonElement("a", "b", Text(n)) },
        { "action id", 255, n => _ = new ButtonElement(Text(n), "b") },
        { "block id", 255, n => _ = new HeaderBlock("x", Text(n)) },
        { "confirm title", 100, n => _ = new ConfirmDialog(Text(n), "x", "y", "n") },
        { "confirm text", 300, n => _ = new ConfirmDialog("x", Text(n), "y", "n") },
        { "confirm button", 30, n => _ = new ConfirmDialog("x", "x", Text(n), "n") },
        { "input label", 2000, n => _ = new InputBlock("b", Text(n), new PlainTextInputElement("a")) },
        { "placeholder", 150, n => _ = new PlainTextInputElement("a", placeholder: Text(n)) },
        { "option text", 75, n => _ = new SelectOption(Text(n), "v") },
        { "option value", 150, n => _ = new SelectOption("x", Text(n)) },
        { "modal title", 24, n => _ = new ModalView(Text(n), [new DividerBlock()], "c") },
        { "modal submit", 24, n => _ = new ModalView("t", [new DividerBlock()], "c", Text(n)) },
        { "private metadata", 3000, n => _ = new ModalView("t", [new DividerBlock()], "c", privateMetadata: Text(n)) },
        { "message text", 4000, n => _ = new SlackMessage(Text(n)) },
        { "markdown", 12000, n => _ = new MarkdownBlock(new MarkdownText(Text(n))) },
        { "rich text", 12000, n => _ = new SlackMessage("x", new RichTextBlock(new RichTextSection(new TextRun(Text(n / 2)), new TextRun(Text(n - (n / 2)))))) },
    };

    [Theory]
    [MemberData(nameof(TextLimits), DisableDiscoveryEnumeration = true)]
    public void The_longest_text_is_accepted_one_more_and_none_are_not(string what, int limit, Action<int> build)
    {
        build(limit);
        Assert.ThrowsAny<ArgumentException>(() => build(limit + 1));
        Assert.ThrowsAny<ArgumentException>(() => build(0));
        Assert.NotEmpty(what);
    }

    [Fact]
    public void Counts_are_limited()
    {
        AssertCount(50, n => _ = new SlackMessage("x", Many(n, _ => (Block)new DividerBlock())));
        AssertCount(100, n => _ = new HomeView(Many(n, _ => (Block)new DividerBlock())));
        AssertCount(10, n => _ = new SectionBlock(fields: Many(n, _ => (TextObject)new PlainText("x"))));
        AssertCount(10, n => _ = new ContextBlock(Many(n, _ => (TextObject)new PlainText("x"))));
        AssertCount(25, n => _ = new ActionsBlock(Many(n, i => (BlockElement)new ButtonElement($"a{i}", "x"))));
        AssertCount(100, n => _ = new StaticSelectElement("a", Many(n, i => new SelectOption("x", $"v{i}"))));
    }

    [Fact]
    public void Markdown_blocks_count_together()
    {
        var half = new MarkdownBlock(new MarkdownText(Text(6001)));
        Assert.Throws<ArgumentException>(() => new SlackMessage("x", half, half));
    }

    [Fact]
    public void Ids_are_unique_where_slack_wants_them_to_be()
    {
        Assert.Throws<ArgumentException>(() => new SlackMessage("x", new HeaderBlock("a", "same"), new HeaderBlock("b", "same")));
        Assert.Throws<ArgumentException>(() => new ActionsBlock([new ButtonElement("same", "a"), new ButtonElement("same", "b")]));
    }

    [Fact]
    public void What_slack_would_refuse_as_a_whole_is_refused_here()
    {
        Assert.Throws<ArgumentException>(() => new SectionBlock());
        Assert.Throws<ArgumentException>(() => new ActionsBlock([new PlainTextInputElement("a")]));
        Assert.Throws<ArgumentException>(() => new SlackMessage("x", new InputBlock("b", "l", new PlainTextInputElement("a"))));
        Assert.Throws<ArgumentException>(() => new ModalView("t", [new InputBlock("b", "l", new PlainTextInputElement("a"))], "c"));
        Assert.Throws<ArgumentException>(() => new HomeView([new MarkdownBlock(new MarkdownText("x"))]));
    }

    [Theory]
    [InlineData("<@U1>")]
    [InlineData("u1")]
    [InlineData("U")]
    [InlineData("")]
    [InlineData("U1|x")]
    public void A_mention_takes_an_id_and_nothing_else(string id)
    {
        Assert.Throws<ArgumentException>(() => Mrkdwn.User(id));
        Assert.Throws<ArgumentException>(() => new UserRun(id));
    }

    [Theory]
    [InlineData("https://grafana.example.com/d/1?x=y", true)]
    [InlineData("https://GRAFANA.example.com/", true)]
    [InlineData("http://grafana.example.com/", false)]
    [InlineData("https://grafana.example.com.evil.example/", false)]
    [InlineData("https://grafana.example.com@evil.example/", false)]
    [InlineData("https://user@grafana.example.com/", false)]
    [InlineData("https://grafana.example.com:8443/", false)]
    [InlineData("javascript:alert(1)", false)]
    [InlineData("//grafana.example.com/", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Only_links_to_declared_hosts_are_live(string? url, bool allowed) =>
        Assert.Equal(allowed, new SlackLinks(["grafana.example.com"]).TryAllow(url, out _));

    private static T[] Many<T>(int count, Func<int, T> make) => [.. Enumerable.Range(0, count).Select(make)];

    private static void AssertCount(int limit, Action<int> build)
    {
        build(limit);
        Assert.Throws<ArgumentException>(() => build(limit + 1));
    }
}
