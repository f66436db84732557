using System.Globalization;
using IncidentFox.Core.Identity;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Roles;

/// <summary>One role of one person as a line of plain text.</summary>
internal static class AccessText
{
    public static string Line(AccessLine line) => string.Join("  ",
        SlackText.Inert(line.Name, 40, "?"),
        line.Role.Name(),
        line.Team is { } team ? $"in {team}" : "in the whole organization",
        line.Source == "grant" ? $"by {SlackText.Inert(line.GrantedBy, 60, "?")}" : $"by user {line.Source}",
        line.ExpiresAt is { } until ? $"until {Day(until)}" : "for good",
        line.LastUsedAt is { } used ? $"last used {Day(used)}" : "never used");

    private static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);
}
