using System.CommandLine;
using IncidentFox.Core.Administration;

namespace IncidentFox.Host.Cli;

/// <summary><c>set NAME setting=value …</c>, of tools and of workflows.</summary>
internal static class PolicyEntryCommand
{
    public static Command Set(Option<FileInfo?> config, PolicyPart part)
    {
        var name = new Argument<string>("name") { Description = part == PolicyPart.Tool ? "A tool, or with a star several: kubernetes.*" : "An action, or default for what others leave out." };
        var settings = new Argument<string[]>("settings")
        {
            Description = $"setting=value, of {string.Join(", ", PolicyEdit.Names(part))}; the value {PolicyEdit.Unset} takes one out.", Arity = ArgumentArity.OneOrMore,
        };
        var (team, org, note) = (PolicyAccess.TeamOption(), PolicyAccess.OrgOption(), PolicyAccess.NoteOption());
        var command = new Command("set", "Changes the policy; refused whole when anything is wrong.") { name, settings, team, org, note };
        command.SetAction(async (parse, ct) =>
        {
            var pairs = parse.GetValue(settings)!.Select(s => s.Split('=', 2)).ToList();
            if (pairs.Find(p => p.Length != 2) is { } fault)
            {
                Console.Error.WriteLine($"'{Inert.Text(fault[0])}' is no setting: write setting=value.");
                return 2;
            }
            await using var access = await PolicyAccess.OpenAsync(parse.GetValue(config), parse.GetValue(team), parse.GetValue(org), ct);
            if (access is null)
                return 2;
            var typed = new Dictionary<string, string>();
            foreach (var pair in pairs)
                typed[pair[0].ToLowerInvariant()] = pair[1];
            var result = await access.Desk.EditAsync(access.Scope, part, parse.GetValue(name)!, typed, seen: null, PolicyAccess.Who, parse.GetValue(note), ct);
            return await access.PrintAsync(result, ct);
        });
        return command;
    }
}
