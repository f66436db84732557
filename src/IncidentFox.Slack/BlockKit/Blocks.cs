using System.Text.Json.Serialization;

namespace IncidentFox.Slack.BlockKit;

[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(HeaderBlock), "header")]
[JsonDerivedType(typeof(SectionBlock), "section")]
[JsonDerivedType(typeof(ContextBlock), "context")]
[JsonDerivedType(typeof(ActionsBlock), "actions")]
[JsonDerivedType(typeof(DividerBlock), "divider")]
[JsonDerivedType(typeof(MarkdownBlock), "markdown")]
[JsonDerivedType(typeof(RichTextBlock), "rich_text")]
[JsonDerivedType(typeof(InputBlock), "input")]
public abstract record Block
{
    private protected Block(string? blockId) => BlockId = Limits.OptionalText(blockId, Limits.BlockId, "block_id");

    public string? BlockId { get; }
}

public sealed record HeaderBlock : Block
{
    public HeaderBlock(string text, string? blockId = null)
        : base(blockId) => Text = Limits.Text(new PlainText(text), Limits.HeaderText, "header");

    public TextObject Text { get; }
}

/// <summary>Text, fields or both, and at most one button beside them.</summary>
public sealed record SectionBlock : Block
{
    public SectionBlock(TextObject? text = null, IReadOnlyList<TextObject>? fields = null, BlockElement? accessory = null, string? blockId = null)
        : base(blockId)
    {
        if (text is null && fields is null)
        {
            throw new ArgumentException("A section needs a text or fields.", nameof(text));
        }

        if (accessory is PlainTextInputElement)
        {
            throw new ArgumentException("A text input stands in an input block, not beside a section.", nameof(accessory));
        }

        Text = text is null ? null : Limits.Text(text, Limits.SectionText, "section text");
        Fields = fields is null ? null : Limits.Count(fields, 1, Limits.SectionFields, "section fields");
        foreach (var field in Fields ?? [])
        {
            Limits.Text(field, Limits.SectionFieldText, "section field");
        }

        Accessory = accessory;
    }

    public TextObject? Text { get; }

    public IReadOnlyList<TextObject>? Fields { get; }

    public BlockElement? Accessory { get; }
}

/// <summary>Small print.</summary>
public sealed record ContextBlock : Block
{
    public ContextBlock(params IReadOnlyList<TextObject> elements)
        : base(blockId: null)
    {
        Elements = Limits.Count(elements, 1, Limits.ContextElements, "context elements");
        foreach (var element in Elements)
        {
            Limits.Text(element, Limits.ContextText, "context text");
        }
    }

    public IReadOnlyList<TextObject> Elements { get; }
}

public sealed record ActionsBlock : Block
{
    public ActionsBlock(IReadOnlyList<BlockElement> elements, string? blockId = null)
        : base(blockId)
    {
        Elements = Limits.Count(elements, 1, Limits.ActionsElements, "elements in an actions block");
        Limits.Unique(Elements.Select(e => e.ActionId), "action_id");
        if (Elements.Any(e => e is PlainTextInputElement))
        {
            throw new ArgumentException("A text input stands in an input block, not in an actions block.", nameof(elements));
        }
    }

    public IReadOnlyList<BlockElement> Elements { get; }
}

public sealed record DividerBlock() : Block(blockId: null);

/// <summary>Standard Markdown; messages only.</summary>
public sealed record MarkdownBlock : Block
{
    public MarkdownBlock(MarkdownText text)
        : base(blockId: null) => Text = Limits.Text(text.Text, Limits.MarkdownCumulative, "markdown block");

    public string Text { get; }
}

/// <summary>A question in a modal.</summary>
public sealed record InputBlock : Block
{
    public InputBlock(string blockId, string label, BlockElement element, bool optional = false, string? hint = null)
        : base(blockId)
    {
        if (element is ButtonElement)
        {
            throw new ArgumentException("A button is not an input.", nameof(element));
        }

        Label = Limits.Text(new PlainText(label), Limits.InputLabel, "input label");
        Element = element;
        Optional = optional;
        Hint = hint is null ? null : Limits.Text(new PlainText(hint), Limits.InputHint, "input hint");
    }

    public TextObject Label { get; }

    public BlockElement Element { get; }

    public bool Optional { get; }

    public TextObject? Hint { get; }
}
