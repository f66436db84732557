using System.Text.Json.Serialization;

namespace IncidentFox.Slack.BlockKit;

/// <summary>Structured text: nothing in it is parsed as markup, so data can stand in it as it is. The best place for strangers' words.</summary>
public sealed record RichTextBlock : Block
{
    public RichTextBlock(params IReadOnlyList<RichTextPart> elements)
        : base(blockId: null) => Elements = Limits.Count(elements, 1, 1000, "rich text parts");

    public IReadOnlyList<RichTextPart> Elements { get; }

    [JsonIgnore]
    internal int TextLength => Elements.Sum(p => p.TextLength);
}

[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(RichTextSection), "rich_text_section")]
[JsonDerivedType(typeof(RichTextList), "rich_text_list")]
[JsonDerivedType(typeof(RichTextPreformatted), "rich_text_preformatted")]
[JsonDerivedType(typeof(RichTextQuote), "rich_text_quote")]
public abstract record RichTextPart
{
    private protected RichTextPart()
    {
    }

    [JsonIgnore]
    internal abstract int TextLength { get; }
}

public sealed record RichTextSection(params IReadOnlyList<RichTextElement> Elements) : RichTextPart
{
    internal override int TextLength => Elements.Sum(e => e.TextLength);
}

public enum RichTextListStyle
{
    Bullet,
    Ordered,
}

public sealed record RichTextList : RichTextPart
{
    public RichTextList(RichTextListStyle style, IReadOnlyList<RichTextSection> elements, int indent = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(indent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(indent, 8);
        Style = style;
        Indent = indent;
        Elements = [.. Limits.Count(elements, 1, 500, "list entries")];
    }

    public RichTextListStyle Style { get; }

    public int Indent { get; }

    /// <summary>Declared as the base type so that each entry carries its <c>type</c>.</summary>
    public IReadOnlyList<RichTextPart> Elements { get; }

    internal override int TextLength => Elements.Sum(e => e.TextLength);
}

/// <summary>A block of code or log lines.</summary>
public sealed record RichTextPreformatted(params IReadOnlyList<RichTextElement> Elements) : RichTextPart
{
    internal override int TextLength => Elements.Sum(e => e.TextLength);
}

public sealed record RichTextQuote(params IReadOnlyList<RichTextElement> Elements) : RichTextPart
{
    internal override int TextLength => Elements.Sum(e => e.TextLength);
}

[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(TextRun), "text")]
[JsonDerivedType(typeof(LinkRun), "link")]
[JsonDerivedType(typeof(UserRun), "user")]
[JsonDerivedType(typeof(ChannelRun), "channel")]
[JsonDerivedType(typeof(DateRun), "date")]
[JsonDerivedType(typeof(BroadcastRun), "broadcast")]
public abstract record RichTextElement
{
    private protected RichTextElement()
    {
    }

    [JsonIgnore]
    internal abstract int TextLength { get; }
}

/// <summary>Only what is true is sent.</summary>
public sealed record TextStyle
{
    public static TextStyle InBold { get; } = new() { Bold = true };

    public static TextStyle InItalic { get; } = new() { Italic = true };

    public static TextStyle AsCode { get; } = new() { Code = true };

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Bold { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Italic { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Strike { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Code { get; init; }
}

public sealed record TextRun : RichTextElement
{
    public TextRun(string text, TextStyle? style = null)
    {
        Text = SlackText.Neutralise(Limits.Text(text, Limits.RichTextCumulative, "rich text"));
        Style = style;
    }

    public string Text { get; }

    public TextStyle? Style { get; }

    internal override int TextLength => Text.Length;
}

public sealed record LinkRun : RichTextElement
{
    public LinkRun(SlackLink link, string text)
    {
        Url = link.Url;
        Text = SlackText.Neutralise(Limits.Text(text, Limits.SectionText, "link text"));
    }

    public string Url { get; }

    public string Text { get; }

    internal override int TextLength => Text.Length;
}

/// <summary>A mention: it notifies.</summary>
public sealed record UserRun : RichTextElement
{
    public UserRun(string userId) => UserId = SlackId.Require(userId, "UW", nameof(userId));

    public string UserId { get; }

    internal override int TextLength => UserId.Length;
}

/// <summary>A mention of everybody in the channel: it notifies them all, so it is for emergencies.</summary>
public sealed record BroadcastRun : RichTextElement
{
    public string Range => "channel";

    internal override int TextLength => Range.Length;
}

public sealed record ChannelRun : RichTextElement
{
    public ChannelRun(string channelId) => ChannelId = SlackId.Require(channelId, "CGD", nameof(channelId));

    public string ChannelId { get; }

    internal override int TextLength => ChannelId.Length;
}

/// <summary>A time in each reader's own time zone.</summary>
public sealed record DateRun : RichTextElement
{
    public DateRun(DateTimeOffset at, string format = "{date_short_pretty} {time}")
    {
        Timestamp = at.ToUnixTimeSeconds();
        Format = Limits.Text(format, 200, "date format");
        Fallback = at.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", System.Globalization.CultureInfo.InvariantCulture);
    }

    public long Timestamp { get; }

    public string Format { get; }

    public string Fallback { get; }

    internal override int TextLength => Fallback.Length;
}
