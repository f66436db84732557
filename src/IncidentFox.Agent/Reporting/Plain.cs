using System.Globalization;
using System.Text;

namespace IncidentFox.Agent.Reporting;

/// <summary>
/// Makes other people's text inert: terminal escapes, control, bidirectional and invisible characters go, and length is bounded. What it
/// says stays as it is: text from logs is quoted, never followed.
/// </summary>
internal static class Plain
{
    /// <summary>One line of at most <paramref name="most"/> characters.</summary>
    public static string Line(string? text, int most) => Clip(Clean(text ?? "", keepLines: false).Trim(), most);

    /// <summary>Several lines, cleaned, together at most <paramref name="most"/> characters.</summary>
    public static string Block(string? text, int most) => Clip(Clean(text ?? "", keepLines: true).Trim(), most);

    public static string Clip(string text, int most)
    {
        if (text.Length <= most)
            return text;
        var end = most - 1;
        if (char.IsHighSurrogate(text[end - 1]))
            end--;
        return string.Concat(text.AsSpan(0, end), "…");
    }

    private static string Clean(string text, bool keepLines)
    {
        var clean = new StringBuilder(Math.Min(text.Length, 4096));
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c is '\u001b' or '\u009b')
                i = SkipEscape(text, i);
            else if (c == '\n' && keepLines)
                clean.Append(c);
            else if (char.IsControl(c) || char.IsWhiteSpace(c))
                AppendSpace(clean);
            else if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                clean.Append(c).Append(text[++i]);
            else if (!char.IsSurrogate(c) && char.GetUnicodeCategory(c) is not (UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned))
                clean.Append(c);
        }
        return clean.ToString();
    }

    private static void AppendSpace(StringBuilder clean)
    {
        if (clean.Length > 0 && clean[^1] is not (' ' or '\n'))
            clean.Append(' ');
    }

    // Returns the index of the sequence's last character (ECMA-48: CSI ends with a letter, OSC and the other strings with BEL or ST).
    private static int SkipEscape(string text, int at)
    {
        var csi = text[at] == '\u009b';
        var i = at + 1;
        if (!csi && i < text.Length)
        {
            if (text[i] is ']' or 'P' or 'X' or '^' or '_')
            {
                for (i++; i < text.Length && text[i] is not ('\u0007' or '\u001b' or '\n'); i++) { }
                return i + 1 < text.Length && text[i] == '\u001b' && text[i + 1] == '\\' ? i + 1 : i;
            }
            if (text[i] != '[')
                return i;
            i++;
        }
        for (; i < text.Length && text[i] is < '@' or > '~'; i++)
            if (i >= text.Length - 1)
                return i;
        return i;
    }
}
