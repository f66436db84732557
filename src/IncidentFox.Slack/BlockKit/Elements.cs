using System.Text.Json.Serialization;

namespace IncidentFox.Slack.BlockKit;

[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(ButtonElement), "button")]
[JsonDerivedType(typeof(StaticSelectElement), "static_select")]
[JsonDerivedType(typeof(PlainTextInputElement), "plain_text_input")]
public abstract record BlockElement
{
    private protected BlockElement(string actionId) => ActionId = Limits.Text(actionId, Limits.ActionId, "action_id");

    public string ActionId { get; }
}

public enum ButtonStyle
{
    Default,
    Primary,
    Danger,
}

public sealed record ButtonElement : BlockElement
{
    public ButtonElement(
        string actionId,
        string text,
        string? value = null,
        ButtonStyle style = ButtonStyle.Default,
        ConfirmDialog? confirm = null,
        SlackLink? link = null,
        string? accessibilityLabel = null)
        : base(actionId)
    {
        Text = Limits.Text(new PlainText(text), Limits.ButtonText, "button text");
        Value = Limits.OptionalText(value, Limits.ButtonValue, "button value");
        Style = style == ButtonStyle.Default ? null : style;
        Confirm = confirm;
        Url = link?.Url;
        AccessibilityLabel = Limits.OptionalText(accessibilityLabel, Limits.AccessibilityLabel, "accessibility label");
    }

    public TextObject Text { get; }

    public string? Value { get; }

    public ButtonStyle? Style { get; }

    public ConfirmDialog? Confirm { get; }

    public string? Url { get; }

    public string? AccessibilityLabel { get; }
}

public sealed record ConfirmDialog
{
    public ConfirmDialog(string title, string text, string confirm, string deny, ButtonStyle style = ButtonStyle.Default)
    {
        Title = Limits.Text(new PlainText(title), Limits.ConfirmTitle, "confirm title");
        Text = Limits.Text(new PlainText(text), Limits.ConfirmText, "confirm text");
        Confirm = Limits.Text(new PlainText(confirm), Limits.ConfirmButton, "confirm button");
        Deny = Limits.Text(new PlainText(deny), Limits.ConfirmButton, "deny button");
        Style = style == ButtonStyle.Default ? null : style;
    }

    public TextObject Title { get; }

    public TextObject Text { get; }

    public TextObject Confirm { get; }

    public TextObject Deny { get; }

    public ButtonStyle? Style { get; }
}

public sealed record SelectOption
{
    public SelectOption(string text, string value)
    {
        Text = Limits.Text(new PlainText(text), Limits.OptionText, "option text");
        Value = Limits.Text(value, Limits.OptionValue, "option value");
    }

    public TextObject Text { get; }

    public string Value { get; }
}

public sealed record StaticSelectElement : BlockElement
{
    public StaticSelectElement(string actionId, IReadOnlyList<SelectOption> options, string? placeholder = null, SelectOption? initial = null)
        : base(actionId)
    {
        Options = Limits.Count(options, 1, Limits.SelectOptions, "options");
        Placeholder = placeholder is null ? null : Limits.Text(new PlainText(placeholder), Limits.Placeholder, "placeholder");
        InitialOption = initial is null || Options.Contains(initial)
            ? initial
            : throw new ArgumentException("The initial option must be one of the options.", nameof(initial));
    }

    public TextObject? Placeholder { get; }

    public IReadOnlyList<SelectOption> Options { get; }

    public SelectOption? InitialOption { get; }
}

public sealed record PlainTextInputElement : BlockElement
{
    public PlainTextInputElement(
        string actionId, bool multiline = false, string? placeholder = null, string? initialValue = null, int? minLength = null, int? maxLength = null)
        : base(actionId)
    {
        if (minLength is < 0 or > Limits.PlainTextInput || maxLength is < 1 or > Limits.PlainTextInput || minLength > maxLength)
        {
            throw new ArgumentException($"Input lengths are between 0 and {Limits.PlainTextInput}, the minimum not above the maximum.", nameof(maxLength));
        }

        Multiline = multiline;
        Placeholder = placeholder is null ? null : Limits.Text(new PlainText(placeholder), Limits.Placeholder, "placeholder");
        InitialValue = Limits.OptionalText(initialValue, maxLength ?? Limits.PlainTextInput, "initial value");
        MinLength = minLength;
        MaxLength = maxLength;
    }

    public bool Multiline { get; }

    public TextObject? Placeholder { get; }

    public string? InitialValue { get; }

    public int? MinLength { get; }

    public int? MaxLength { get; }
}
