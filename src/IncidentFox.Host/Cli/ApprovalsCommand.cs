using System.CommandLine;
using System.Globalization;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Approvals;

namespace IncidentFox.Host.Cli;

/// <summary><c>incidentfox approvals list</c>: what waits for people. Deciding takes a person whom Slack vouches for, so there is no vote here.</summary>
public static class ApprovalsCommand
{
    private const int Shown = 200;

    /// <summary>The command with its subcommands.</summary>
    public static Command Create(Option<FileInfo?> config) => new("approvals", "Approvals that wait for people.") { List(config) };

    private static Command List(Option<FileInfo?> config)
    {
        var team = PolicyAccess.TeamOption();
        var command = new Command("list", "Pending approvals, the soonest deadline first, and emergencies that nobody reviewed yet.") { team };
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await PolicyAccess.OpenAsync(parse.GetValue(config), parse.GetValue(team), org: false, ct);
            if (access is null)
                return 2;
            var (shown, all) = await new ApprovalReader(access.Database.Database, access.Database.Cipher).WaitingAsync(access.Scope.Org, [access.Team], Shown, ct);
            if (shown.Count == 0)
                return PolicyAccess.Print([$"Nothing of team {access.Team} waits for anybody."]);
            var rows = new List<string[]> { new[] { "ID", "STATE", "VOTES", "ENDS", "WHAT" } };
            rows.AddRange(shown.Select(a => new[]
            {
                a.Id.Short, a.BreakGlass is { ReviewIsOpen: true } ? "to be reviewed" : a.State.Name(), $"{a.Votes.Count}/{a.RequiredApprovers}",
                a.ExpiresAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture), $"{a.Effect.Title} ({a.Tool})",
            }));
            return PolicyAccess.Print(all > shown.Count ? [.. PolicyText.Columns(rows), $"… and {all - shown.Count} more"] : PolicyText.Columns(rows));
        });
        return command;
    }
}
