using System.CommandLine;
using IncidentFox.Core;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Host.Configuration;

namespace IncidentFox.Host.Cli;

/// <summary>
/// What commands about policies share: the database as the bot's role, the configuration's policy under it, whose layer is meant. Whoever can read the bot's
/// database password may change policies; the trail names the account of the machine.
/// </summary>
internal sealed class PolicyAccess : IAsyncDisposable
{
    private readonly DatabaseAccess _access;

    private PolicyAccess(DatabaseAccess access, ToolPolicy file, PolicyScope scope, TeamId team)
    {
        (_access, Scope, Team) = (access, scope, team);
        Desk = new(new PolicyStore(access.Database, new AuditLog(access.Database, access.Cipher), file));
        Tools = new(access.Database);
    }

    /// <summary>Who changes things here, for the audit trail.</summary>
    public static string Who => $"cli:{Environment.UserName}";

    /// <summary>The layer that is meant.</summary>
    public PolicyScope Scope { get; }

    /// <summary>The team that is meant; with <c>--org</c> the one whose tools are looked at.</summary>
    public TeamId Team { get; }

    public PolicyDesk Desk { get; }

    public ToolDirectory Tools { get; }

    public DatabaseAccess Database => _access;

    /// <summary><c>--team</c>.</summary>
    public static Option<string?> TeamOption() => new("--team") { Description = "Which team; needed when there are several." };

    /// <summary><c>--org</c>.</summary>
    public static Option<bool> OrgOption() => new("--org") { Description = "The organization's policy instead of the team's." };

    /// <summary><c>--note</c>.</summary>
    public static Option<string?> NoteOption() => new("--note") { Description = "Why; stands in the policy's history." };

    /// <summary>Opens it; null after every error was printed.</summary>
    public static async Task<PolicyAccess?> OpenAsync(FileInfo? config, string? team, bool org, CancellationToken cancellationToken)
    {
        if (Start.Load(config) is not { } configuration)
            return null;
        var errors = new List<string>();
        var file = HostSettings.ReadPolicy(configuration, errors);
        var directory = configuration.GetSection(DirectoryOptions.Section).Get<DirectoryOptions>() ?? new DirectoryOptions();
        if (directory.Id.Length == 0)
            errors.Add($"{DirectoryOptions.Section}:Id is empty: it says whose policy is meant.");
        if (team is not null && directory.Teams.TrueForAll(t => t.Id != team))
            errors.Add($"There is no team '{team}'; there are: {string.Join(", ", directory.Teams.Select(t => t.Id))}.");
        if (team is null && directory.Teams.Count != 1 && !org)
            errors.Add($"Name the team with --team ({string.Join(", ", directory.Teams.Select(t => t.Id))}), or give --org.");
        if (errors.Count > 0 || file is null)
            return Start.Refuse<PolicyAccess>(errors);
        var which = new TeamId(team ?? directory.Teams.FirstOrDefault()?.Id ?? "any");
        return await DatabaseAccess.OpenAsync(config, cancellationToken, asBot: true) is { } access
            ? new PolicyAccess(access, file, new(new OrgId(directory.Id), org ? null : which), which)
            : null;
    }

    /// <summary>What is in force for the team, or for a team without a policy of its own.</summary>
    public Task<ToolPolicy> EffectiveAsync(CancellationToken cancellationToken) => Desk.Store.EffectiveAsync(Scope.Org, Scope.Team, cancellationToken);

    /// <summary>Prints lines; nothing in them moves the cursor.</summary>
    public static int Print(IEnumerable<string> lines)
    {
        foreach (var line in lines.SelectMany(l => l.Split('\n')))
            Console.WriteLine(Inert.Text(line));
        return 0;
    }

    /// <summary>Prints what became of a change. Exit code 0: it says so now, also when it did before; 1: refused.</summary>
    public async Task<int> PrintAsync(EditResult result, CancellationToken cancellationToken)
    {
        if (result.Outcome is PolicyOutcome.Invalid or PolicyOutcome.Conflict)
        {
            Console.Error.WriteLine("Nothing was changed:");
            foreach (var error in result.Errors)
                Console.Error.WriteLine($"  - {Inert.Text(error.ToString())}");
            return 1;
        }
        if (result.Outcome == PolicyOutcome.Unchanged)
            return Print([$"The policy of {Scope} says that already (version {result.Version})."]);
        var differences = await Desk.Store.DiffAsync(Scope.Org, Scope.Team, result.Version - 1, result.Version, cancellationToken) ?? [];
        return Print([$"The policy of {Scope} is version {result.Version} now.", .. PolicyText.Diff(differences)]);
    }

    public ValueTask DisposeAsync() => _access.DisposeAsync();
}
