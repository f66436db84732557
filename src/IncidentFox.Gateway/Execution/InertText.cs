using System.Globalization;
using System.Text;

namespace IncidentFox.Gateway.Execution;

/// <summary>Makes a string from outside safe to show: one line, bounded, without characters that hide or reorder others.</summary>
internal static class InertText
{
    public static string Of(string text, int maxLength)
    {
        var clean = new StringBuilder(Math.Min(text.Length, maxLength));
        foreach (var rune in text.EnumerateRunes())
        {
            if (clean.Length >= maxLength)
                return clean.Append('…').ToString();
            if (rune.Value is '\n' or '\r' or '\t')
                clean.Append(' ');
            else if (Hides(rune))
                clean.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X}}}");
            else
                clean.Append(rune.ToString());
        }
        return clean.ToString();
    }

    // Control, format (zero-width, bidirectional), surrogate, private use, unassigned, and the line and paragraph separators.
    private static bool Hides(Rune rune) => Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
