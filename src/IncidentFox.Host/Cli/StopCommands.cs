using System.CommandLine;
using IncidentFox.Core;
using IncidentFox.Core.Safety;

namespace IncidentFox.Host.Cli;

/// <summary><c>incidentfox freeze|unfreeze</c>: writes or lifts the order; the database enforces it at once, running bots end what is open.</summary>
public static class StopCommands
{
    /// <summary><c>freeze</c>.</summary>
    public static Command Freeze(Option<FileInfo?> config) => Create(config, "freeze", "Stops everything of a team or of the organization.",
        (stops, access, team, reason, ct) => stops.FreezeAsync(access.Operator, access.Org, team, reason, ct));

    /// <summary><c>unfreeze</c>.</summary>
    public static Command Unfreeze(Option<FileInfo?> config) => Create(config, "unfreeze", "Lifts the freeze of a team, or of the organization and safe mode.",
        (stops, access, team, reason, ct) => stops.LiftAsync(access.Operator, access.Org, team, reason, ct));

    private static Command Create(
        Option<FileInfo?> config, string name, string description, Func<Stops, RolesAccess, TeamId?, string, CancellationToken, Task<StopOutcome>> run)
    {
        var reason = new Argument<string>("reason") { Description = "Why; stands in the audit trail and in the channels." };
        var team = new Option<string?>("--team") { Description = "Only this team; without it, the whole organization." };
        var command = new Command(name, description) { reason, team };
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await RolesAccess.OpenAsync(parse.GetValue(config), ct);
            if (access is null)
                return 2;
            if (!access.KnowsTeam(parse.GetValue(team)))
                return RolesAccess.Say(false, $"There is no team '{parse.GetValue(team)}' in the configuration.");
            var outcome = await run(
                new Stops(access.Database, access.Audit), access, parse.GetValue(team) is { } t ? new TeamId(t) : null, parse.GetValue(reason)!, ct);
            return RolesAccess.Say(outcome.Done, outcome.Message);
        });
        return command;
    }
}
