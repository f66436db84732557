using System.Text.Json.Serialization;

namespace IncidentFox.Slack.BlockKit;

[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(PlainText), "plain_text")]
[JsonDerivedType(typeof(MrkdwnText), "mrkdwn")]
public abstract record TextObject
{
    private protected TextObject(string text) => Text = SlackText.Neutralise(text);

    public string Text { get; }
}

/// <summary>Text that is shown as it is. <c>:names:</c> do not become emoji.</summary>
public sealed record PlainText : TextObject
{
    public PlainText(string text)
        : base(text)
    {
    }

    public bool Emoji => false;

    public static implicit operator PlainText(string text) => new(text);
}

/// <summary>Text in Slack's markup; made by <see cref="Mrkdwn.Format"/>. <c>verbatim</c> keeps Slack from turning addresses and channel names into links.</summary>
public sealed record MrkdwnText : TextObject
{
    internal MrkdwnText(string markup)
        : base(markup)
    {
    }

    public bool Verbatim => true;
}

/// <summary>Standard Markdown; made by <see cref="Markdown.Format"/>.</summary>
public sealed record MarkdownText
{
    internal MarkdownText(string markup) => Text = SlackText.Neutralise(markup);

    public string Text { get; }
}
