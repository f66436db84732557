using System.CommandLine;
using IncidentFox.Core.Administration;

namespace IncidentFox.Host.Cli;

/// <summary><c>incidentfox workflows list|set</c>.</summary>
public static class WorkflowsCommand
{
    /// <summary>The command with its subcommands.</summary>
    public static Command Create(Option<FileInfo?> config) => new("workflows", "Whose approval actions need, how soon, and where they are asked.")
    {
        List(config), PolicyEntryCommand.Set(config, PolicyPart.Workflow),
    };

    private static Command List(Option<FileInfo?> config)
    {
        var team = PolicyAccess.TeamOption();
        var command = new Command("list", "The default workflow and every action that has one of its own, by the policy in force.") { team };
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await PolicyAccess.OpenAsync(parse.GetValue(config), parse.GetValue(team), org: false, ct);
            return access is null ? 2 : PolicyAccess.Print(PolicyText.Workflows(await access.EffectiveAsync(ct)));
        });
        return command;
    }
}
