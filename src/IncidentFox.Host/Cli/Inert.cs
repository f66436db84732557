using System.Globalization;
using System.Text;

namespace IncidentFox.Host.Cli;

/// <summary>
/// Text of the audit trail on a terminal. Much of it was said by agents, targets and log lines: nothing in it moves the cursor, changes the title, begins
/// a new line or turns the reading direction.
/// </summary>
public static class Inert
{
    /// <summary>The text with every control, format and separator character replaced by <c>�</c>.</summary>
    public static string Text(string? text) =>
        text is null ? "" : string.Concat(text.EnumerateRunes().Select(r => IsPlain(r) ? r.ToString() : "\uFFFD"));

    private static bool IsPlain(Rune rune) => Rune.GetUnicodeCategory(rune)
        is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
