using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace IncidentFox.Slack.BlockKit;

/// <summary>
/// Standard Markdown for the markdown block, written like <see cref="Mrkdwn.Format"/>: literal parts are ours, holes are data.
/// Slack does not document which addresses it links by itself in this block: put strangers' text in <see cref="RichTextBlock"/> where there is a choice.
/// </summary>
public static class Markdown
{
    private const int LongestHole = 1000;

    public static MarkdownText Format(ref Handler handler) => new(handler.ToText());

    /// <summary>Data, cut so that it takes at most <paramref name="maxLength"/> characters once escaped. A plain hole takes at most 1,000.</summary>
    public static MarkdownText Text(string? data, int maxLength) => new(SlackText.FitEscaped(SlackText.Inert(data, maxLength), maxLength, Escape));

    /// <summary>Escapes everything that Markdown or Slack could read as markup; one line.</summary>
    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length * 2);
        foreach (var c in text)
        {
            _ = c switch
            {
                '&' => escaped.Append("&amp;"),
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '\n' or '\r' => escaped.Append(' '),
                _ when char.IsAscii(c) && char.IsPunctuation(c) || c is '`' or '~' or '|' or '+' or '^' or '=' or '$' => escaped.Append('\\').Append(c),
                _ => escaped.Append(c),
            };
        }

        return escaped.ToString();
    }

    [InterpolatedStringHandler]
    public ref struct Handler(int literalLength, int formattedCount)
    {
        private readonly StringBuilder _text = new(literalLength + (formattedCount * 16));

        public readonly void AppendLiteral(string literal) => _text.Append(literal);

        public readonly void AppendFormatted(string? data) => _text.Append(Text(data, LongestHole).Text);

        public readonly void AppendFormatted(int number) => _text.Append(CultureInfo.InvariantCulture, $"{number}");

        public readonly void AppendFormatted(MarkdownText text) => _text.Append(text.Text);

        internal readonly string ToText() => _text.ToString();
    }
}
