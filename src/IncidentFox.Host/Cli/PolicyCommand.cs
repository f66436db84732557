using System.CommandLine;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Policy;

namespace IncidentFox.Host.Cli;

/// <summary><c>incidentfox policy show|set|diff|history|rollback</c>.</summary>
public static class PolicyCommand
{
    private const int Shown = 100;

    /// <summary>The command with its subcommands.</summary>
    public static Command Create(Option<FileInfo?> config) => new("policy", "The whole policy as JSON, its versions and what changed between them.")
    {
        Show(config), Set(config), Diff(config), History(config), Rollback(config),
    };

    private static Command Show(Option<FileInfo?> config)
    {
        var layer = new Option<bool>("--layer") { Description = "Only what the team's (or, with --org, the organization's) policy says itself." };
        return Sub(config, "show", "What is in force, all layers together.", [layer], async (access, parse, ct) =>
        {
            if (parse.GetValue(layer))
                return PolicyAccess.Print([PolicyEdit.Pretty((await access.Desk.Store.CurrentAsync(access.Scope.Org, access.Scope.Team, ct))?.Json)]);
            var policy = await access.EffectiveAsync(ct);
            if (policy.Unreadable is not { } why)
                return PolicyAccess.Print([PolicyEdit.Pretty(policy.Json)]);
            Console.Error.WriteLine(Inert.Text(why));
            return 1;
        });
    }

    private static Command Set(Option<FileInfo?> config)
    {
        var file = new Argument<FileInfo>("file") { Description = "JSON: the whole layer." };
        var note = PolicyAccess.NoteOption();
        return Sub(config, "set", "Puts a file in the place of the team's (or, with --org, the organization's) policy; refused whole when anything is wrong.", [file, note], async (access, parse, ct) =>
        {
            string json;
            try
            {
                json = await File.ReadAllTextAsync(parse.GetValue(file)!.FullName, ct);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"{parse.GetValue(file)} can't be read: {e.Message}");
                return 2;
            }
            var current = (await access.Desk.Store.CurrentAsync(access.Scope.Org, access.Scope.Team, ct))?.Version ?? 0;
            return await access.PrintAsync(Of(await access.Desk.Store.SetAsync(access.Scope.Org, access.Scope.Team, json, current, PolicyAccess.Who, parse.GetValue(note), ct)), ct);
        });
    }

    private static Command Diff(Option<FileInfo?> config)
    {
        var from = new Argument<int?>("from") { Description = "A version; without one the last but one.", Arity = ArgumentArity.ZeroOrOne };
        var to = new Argument<int?>("to") { Description = "A version; without one the newest.", Arity = ArgumentArity.ZeroOrOne };
        return Sub(config, "diff", "What changed between two versions.", [from, to], async (access, parse, ct) =>
        {
            var current = (await access.Desk.Store.CurrentAsync(access.Scope.Org, access.Scope.Team, ct))?.Version ?? 0;
            var (first, last) = (parse.GetValue(from) ?? Math.Max(0, current - 1), parse.GetValue(to) ?? current);
            if (await access.Desk.Store.DiffAsync(access.Scope.Org, access.Scope.Team, first, last, ct) is { } differences)
                return PolicyAccess.Print(PolicyText.Diff(differences));
            Console.Error.WriteLine($"The policy of {access.Scope} has versions 1 to {current} (0: before the first).");
            return 1;
        });
    }

    private static Command History(Option<FileInfo?> config) => Sub(config, "history", "The versions, newest first.", [], async (access, _, ct) =>
        PolicyAccess.Print(await access.Desk.Store.HistoryAsync(access.Scope.Org, access.Scope.Team, Shown, ct) is { Count: > 0 } versions
            ? PolicyText.History(versions)
            : [$"The policy of {access.Scope} was never set."]));

    private static Command Rollback(Option<FileInfo?> config)
    {
        var version = new Argument<int>("version") { Description = "Which version to say again; 0: nothing." };
        return Sub(config, "rollback", "Says again what an earlier version said, as a new version.", [version], async (access, parse, ct) =>
        {
            var current = (await access.Desk.Store.CurrentAsync(access.Scope.Org, access.Scope.Team, ct))?.Version ?? 0;
            return await access.PrintAsync(Of(await access.Desk.Store.RollbackAsync(access.Scope.Org, access.Scope.Team, parse.GetValue(version), current, PolicyAccess.Who, ct)), ct);
        });
    }

    private static Command Sub(
        Option<FileInfo?> config, string name, string description, IReadOnlyList<Symbol> symbols, Func<PolicyAccess, ParseResult, CancellationToken, Task<int>> run)
    {
        var (team, org) = (PolicyAccess.TeamOption(), PolicyAccess.OrgOption());
        var command = new Command(name, description) { team, org };
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Arguments.Add(argument);
            else
                command.Options.Add((Option)symbol);
        }
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await PolicyAccess.OpenAsync(parse.GetValue(config), parse.GetValue(team), parse.GetValue(org), ct);
            return access is null ? 2 : await run(access, parse, ct);
        });
        return command;
    }

    private static EditResult Of(PolicyChange change) => new(change.Outcome, change.Version, [.. change.Errors.Select(e => new SettingError("", e))]);
}
