using System.Globalization;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Cards;

/// <summary>Pieces that cards share. Whatever comes from elsewhere passes through here and is inert and bounded afterwards.</summary>
internal static class CardText
{
    public static RichTextBlock Title(string text) => new(new RichTextSection(new TextRun(text, TextStyle.InBold)));

    public static TextRun Bold(string text) => new(text, TextStyle.InBold);

    public static TextRun Small(string text) => new(text, TextStyle.InItalic);

    /// <summary>One line of somebody's words.</summary>
    public static TextRun Words(string? text, int max, string whenEmpty = "(nothing)") => new(SlackText.Inert(text, max, whenEmpty));

    /// <summary>Somebody's words with their line breaks, as code.</summary>
    public static RichTextPreformatted Quote(string? text, int max) => new(new TextRun(SlackText.InertLines(text, max, "(empty)")));

    public static RichTextList Bullets(IEnumerable<string> lines, int count, int max) =>
        new(RichTextListStyle.Bullet, [.. lines.Take(count).Select(l => new RichTextSection(Words(l, max)))]);

    /// <summary>12 s, 3 min 5 s, 2 h 10 min.</summary>
    public static string Took(TimeSpan time) => time switch
    {
        _ when time < TimeSpan.FromSeconds(1) => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, (int)time.TotalMilliseconds)} ms"),
        _ when time < TimeSpan.FromMinutes(1) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s"),
        _ when time < TimeSpan.FromHours(1) => $"{time.Minutes} min {time.Seconds} s",
        _ => $"{(int)time.TotalHours} h {time.Minutes} min",
    };

    /// <summary>Ana; Ana and Ben; Ana, Ben and 3 more.</summary>
    public static string Names(IReadOnlyList<string> names)
    {
        var inert = names.Select(n => SlackText.Inert(n, 60, "somebody")).ToArray();
        return inert switch
        {
            [] => "nobody",
            [var one] => one,
            [var one, var two] => $"{one} and {two}",
            [var one, var two, var three] => $"{one}, {two} and {three}",
            _ => $"{inert[0]}, {inert[1]} and {inert.Length - 2} more",
        };
    }
}
