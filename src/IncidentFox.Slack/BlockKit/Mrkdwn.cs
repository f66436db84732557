using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;

namespace IncidentFox.Slack.BlockKit;

/// <summary>
/// Slack's markup. Text is written as an interpolated string whose literal parts are ours and whose holes are data:
/// <c>Mrkdwn.Format($"*Service* {name}, asked by {Mrkdwn.User(id)}")</c>. A hole can neither mention, link nor format, and is cut
/// so that even fully escaped it takes at most 500 characters of a block's limit; <see cref="Text"/> chooses another length.
/// </summary>
public static partial class Mrkdwn
{
    private const int LongestHole = 500;
    private const int LongestLinkText = 200;

    /// <summary>Slack's escaping: with it no mention, link or date can begin. It does not stop <c>*bold*</c>; <see cref="Format"/> does.</summary>
    public static string Escape(string text) => text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");

    public static MrkdwnText Format(ref Handler handler) => new(handler.ToText());

    /// <summary>Data, cut so that it takes at most <paramref name="maxLength"/> characters once escaped.</summary>
    public static MrkdwnToken Text(string? data, int maxLength) => new(Data(data, maxLength));

    /// <summary>A mention of a person. It notifies them where they can see the message.</summary>
    public static MrkdwnToken User(string userId) => new($"<@{SlackId.Require(userId, "UW", nameof(userId))}>");

    public static MrkdwnToken Channel(string channelId) => new($"<#{SlackId.Require(channelId, "CGD", nameof(channelId))}>");

    public static MrkdwnToken UserGroup(string groupId) => new($"<!subteam^{SlackId.Require(groupId, "S", nameof(groupId))}>");

    public static MrkdwnToken Link(SlackLink link, string text) =>
        new($"<{Escape(link.Url).Replace("|", "%7C")}|{Data(text, LongestLinkText).Replace('|', '∣')}>");

    /// <summary>A time in each reader's own time zone. <paramref name="format"/> is Slack's, such as <c>{date_short_pretty} {time}</c>.</summary>
    public static MrkdwnToken Date(DateTimeOffset at, string format = "{date_short_pretty} {time}")
    {
        if (format.AsSpan().IndexOfAny("<>^|&") >= 0)
        {
            throw new ArgumentException("A date format must not contain < > ^ | or &.", nameof(format));
        }

        var fallback = at.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
        return new($"<!date^{at.ToUnixTimeSeconds()}^{format}|{fallback}>");
    }

    /// <summary>Data as it may stand inside mrkdwn: escaped, and with look-alikes for the characters that would format it.</summary>
    private static string Data(string? data, int maxLength) => SlackText.FitEscaped(SlackText.Inert(data, maxLength), maxLength, Literal);

    private static string Literal(string inert)
    {
        var text = new StringBuilder(inert.Length + 16);
        for (var i = 0; i < inert.Length; i++)
        {
            text.Append(inert[i] switch
            {
                '*' => '∗',
                '~' => '∼',
                '`' => 'ˋ',
                '_' when !IsInsideWord(inert, i) => '＿',
                var other => other,
            });
        }

        return Escape(EmojiName().Replace(text.ToString(), "∶${name}∶"));
    }

    // Slack formats _this_ only at word boundaries; http_requests_total keeps its real underscores.
    private static bool IsInsideWord(string text, int index) =>
        index > 0 && index < text.Length - 1 && char.IsAsciiLetterOrDigit(text[index - 1]) && char.IsAsciiLetterOrDigit(text[index + 1]);

    [GeneratedRegex(":(?<name>[a-z0-9_+-]*[a-z+][a-z0-9_+-]*|100|1234):", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex EmojiName();

    [InterpolatedStringHandler]
    public ref struct Handler(int literalLength, int formattedCount)
    {
        private readonly StringBuilder _text = new(literalLength + (formattedCount * 16));

        public readonly void AppendLiteral(string literal) => _text.Append(literal);

        public readonly void AppendFormatted(string? data) => _text.Append(Data(data, LongestHole));

        public readonly void AppendFormatted(int number) => _text.Append(CultureInfo.InvariantCulture, $"{number}");

        public readonly void AppendFormatted(long number) => _text.Append(CultureInfo.InvariantCulture, $"{number}");

        public readonly void AppendFormatted(MrkdwnToken token) => _text.Append(token.Markup);

        public readonly void AppendFormatted(MrkdwnText text) => _text.Append(text.Text);

        internal readonly string ToText() => _text.ToString();
    }
}

/// <summary>A piece of live markup that only <see cref="Mrkdwn"/> can make.</summary>
public readonly struct MrkdwnToken
{
    private readonly string? _markup;

    internal MrkdwnToken(string markup) => _markup = markup;

    internal string Markup => _markup ?? "";

    public override string ToString() => Markup;
}

internal static class SlackId
{
    public static string Require(string id, string firstLetters, string name)
    {
        var valid = id.Length is >= 2 and <= 32 && firstLetters.Contains(id[0], StringComparison.Ordinal)
            && id.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c));
        return valid ? id : throw new ArgumentException($"Not a Slack id of this kind (it starts with one of {firstLetters}).", name);
    }

    public static bool IsId(string? id) => id is { Length: >= 2 and <= 32 } && id.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c));
}
