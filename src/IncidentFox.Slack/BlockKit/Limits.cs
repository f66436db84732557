namespace IncidentFox.Slack.BlockKit;

/// <summary>
/// Slack's documented limits (docs.slack.dev/reference/block-kit). Exceeding one is a programming error and throws:
/// cut data with <see cref="SlackText.Inert"/> or <see cref="SlackText.Fit"/> before.
/// </summary>
public static class Limits
{
    public const int BlocksPerMessage = 50;
    public const int BlocksPerView = 100;
    public const int HeaderText = 150;
    public const int SectionText = 3000;
    public const int SectionFields = 10;
    public const int SectionFieldText = 2000;
    public const int ActionsElements = 25;
    public const int ContextElements = 10;
    public const int ContextText = 3000;
    public const int ButtonText = 75;
    public const int ButtonValue = 2000;
    public const int ActionId = 255;
    public const int BlockId = 255;
    public const int AccessibilityLabel = 75;
    public const int ConfirmTitle = 100;
    public const int ConfirmText = 300;
    public const int ConfirmButton = 30;
    public const int InputLabel = 2000;
    public const int InputHint = 2000;
    public const int Placeholder = 150;
    public const int PlainTextInput = 3000;
    public const int SelectOptions = 100;
    public const int OptionText = 75;
    public const int OptionValue = 150;
    public const int ViewTitle = 24;
    public const int ViewButton = 24;
    public const int PrivateMetadata = 3000;
    public const int CallbackId = 255;
    public const int MarkdownCumulative = 12_000;
    public const int RichTextCumulative = 12_000;

    /// <summary>Slack truncates at 40,000 and recommends 4,000.</summary>
    public const int MessageText = 4000;

    internal static string Text(string? text, int max, string what) => text switch
    {
        null or "" => throw new ArgumentException($"Slack refuses an empty {what}.", nameof(text)),
        _ when text.Length > max => throw new ArgumentException($"A {what} is at most {max} characters; this one has {text.Length}. Cut it with SlackText.Inert or SlackText.Fit.", nameof(text)),
        _ => text,
    };

    internal static string? OptionalText(string? text, int max, string what) => text is null ? null : Text(text, max, what);

    internal static T Text<T>(T text, int max, string what)
        where T : TextObject
    {
        _ = Text(text.Text, max, what);
        return text;
    }

    internal static IReadOnlyList<T> Count<T>(IReadOnlyList<T> items, int min, int max, string what) =>
        items.Count >= min && items.Count <= max
            ? [.. items]
            : throw new ArgumentException($"Slack wants {min} to {max} {what}; there are {items.Count}.", nameof(items));

    internal static void Unique(IEnumerable<string?> ids, string what)
    {
        HashSet<string> seen = [];
        foreach (var id in ids)
        {
            if (id is not null && !seen.Add(id))
            {
                throw new ArgumentException($"The {what} \"{id}\" is used twice.", nameof(ids));
            }
        }
    }
}
