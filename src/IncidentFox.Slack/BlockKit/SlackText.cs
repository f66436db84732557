using System.Globalization;
using System.Text;

namespace IncidentFox.Slack.BlockKit;

/// <summary>Makes strings from elsewhere (people, agents, log lines, hooks) safe to show as plain text.</summary>
public static class SlackText
{
    public const string Ellipsis = "…";

    // A letter with more marks than this is not a language but an attempt to paint over its neighbours.
    private const int MaxMarksPerCharacter = 4;

    /// <summary>
    /// One line of harmless plain text, at most <paramref name="maxLength"/> UTF-16 units: control, zero-width, bidirectional and other
    /// format characters become visible (<c>\u{200B}</c>), white space is collapsed, and what is too long ends with an ellipsis. Slack refuses empty texts: <paramref name="whenEmpty"/> stands in when nothing is left.
    /// </summary>
    public static string Inert(string? text, int maxLength, string whenEmpty = "") => Clean(text, maxLength, keepLines: false) is { Length: > 0 } clean ? clean : whenEmpty;

    /// <summary>Like <see cref="Inert"/>, but keeps line breaks (never more than one empty line in a row) and indentation: for log excerpts.</summary>
    public static string InertLines(string? text, int maxLength, string whenEmpty = "") => Clean(text, maxLength, keepLines: true) is { Length: > 0 } clean ? clean : whenEmpty;

    /// <summary>Cuts between grapheme clusters so that the result, with its ellipsis, is at most <paramref name="maxLength"/> UTF-16 units.</summary>
    public static string Fit(string text, int maxLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        if (text.Length <= maxLength)
        {
            return text;
        }

        var room = maxLength - Ellipsis.Length;
        var end = 0;
        while (end < text.Length)
        {
            var next = end + StringInfo.GetNextTextElementLength(text, end);
            if (next > room)
            {
                break;
            }

            end = next;
        }

        return string.Concat(text.AsSpan(0, end).TrimEnd(), Ellipsis);
    }

    /// <summary>
    /// Cuts so that the text fits after escaping, which may make it five times as long: an attacker's ampersands must
    /// neither break a limit nor be cut in the middle of their escape.
    /// </summary>
    internal static string FitEscaped(string text, int maxLength, Func<string, string> escape)
    {
        var room = maxLength;
        while (true)
        {
            var escaped = escape(Fit(text, room));
            var excess = escaped.Length - maxLength;
            if (excess <= 0 || room == 1)
            {
                return escaped;
            }

            room = Math.Max(1, Math.Min(room, text.Length) - Math.Max(1, excess / 5));
        }
    }

    /// <summary>
    /// The last line of defence inside the Block Kit types: whatever was not made inert before loses its dangerous characters
    /// one for one, so that lengths that were checked stay true.
    /// </summary>
    internal static string Neutralise(string text)
    {
        StringBuilder? changed = null;
        var index = 0;
        while (index < text.Length)
        {
            var status = Rune.DecodeFromUtf16(text.AsSpan(index), out var rune, out var consumed);
            var bad = status != System.Buffers.OperationStatus.Done || (IsDangerous(rune) && rune.Value is not ('\n' or '\t'));
            if (bad)
            {
                changed ??= new StringBuilder(text);
                for (var i = 0; i < consumed; i++)
                {
                    changed[index + i] = '\uFFFD';
                }
            }

            index += consumed;
        }

        return changed?.ToString() ?? text;
    }

    private static string Clean(string? text, int maxLength, bool keepLines)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        // Work is bounded too: nothing that ends up beyond the cut needs to be looked at closely.
        // Collapsing shrinks text, so some slack is left.
        var source = text.AsSpan(0, (int)Math.Min(text.Length, (maxLength * 8L) + 64));
        var output = new StringBuilder(Math.Min(source.Length, maxLength) + 16);
        var marks = 0;

        while (!source.IsEmpty && output.Length <= maxLength + 64)
        {
            var status = Rune.DecodeFromUtf16(source, out var rune, out var consumed);
            source = source[consumed..];
            if (status != System.Buffers.OperationStatus.Done)
            {
                output.Append('\uFFFD');
                marks = 0;
                continue;
            }

            if (IsMark(rune) && !IsDangerous(rune))
            {
                if (marks++ < MaxMarksPerCharacter)
                {
                    output.Append(rune.ToString());
                }

                continue;
            }

            marks = 0;
            if (rune.Value == '\n' && keepLines)
            {
                AppendLineBreak(output);
            }
            else if (rune.Value == '\r' && keepLines)
            {
                if (source.IsEmpty || source[0] != '\n')
                {
                    AppendLineBreak(output);
                }
            }
            else if (rune.Value is '\t' or '\n' or '\r' || Rune.GetUnicodeCategory(rune) == UnicodeCategory.SpaceSeparator)
            {
                AppendSpace(output, keepLines);
            }
            else if (IsDangerous(rune))
            {
                output.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X4}}}");
            }
            else
            {
                output.Append(rune.ToString());
            }
        }

        if (!source.IsEmpty || text.Length > (maxLength * 8L) + 64)
        {
            output.Append(Ellipsis);
        }

        var whole = keepLines ? output.ToString().Trim('\n').TrimEnd() : output.ToString().Trim();
        return Fit(whole, maxLength);
    }

    private static void AppendSpace(StringBuilder output, bool keepIndentation)
    {
        var last = output.Length == 0 ? '\n' : output[^1];
        if (last is not (' ' or '\n') || (keepIndentation && IsWithinIndentation(output)))
        {
            output.Append(' ');
        }
    }

    private static bool IsWithinIndentation(StringBuilder output)
    {
        const int Deepest = 16;
        var spaces = 0;
        for (var i = output.Length - 1; i >= 0 && output[i] == ' '; i--)
        {
            if (++spaces >= Deepest)
            {
                return false;
            }
        }

        return output.Length == spaces || output[^(spaces + 1)] == '\n';
    }

    private static void AppendLineBreak(StringBuilder output)
    {
        while (output.Length > 0 && output[^1] == ' ')
        {
            output.Length--;
        }

        if (output.Length < 2 || output[^1] != '\n' || output[^2] != '\n')
        {
            output.Append('\n');
        }
    }

    private static bool IsMark(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.SpacingCombiningMark;

    /// <summary>Characters that hide, reorder or end text. Sources: Unicode categories Cc, Cf, Co, Cn, Zl, Zp and the blank letters of UTS 39.</summary>
    internal static bool IsDangerous(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate
        || rune.Value is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or (>= 0x180B and <= 0x180F) or 0x2800 or 0x3164 or 0xFFA0
            or (>= 0xFE00 and <= 0xFE0D) or (>= 0xE0100 and <= 0xE01EF) or 0xFFFC;
}
