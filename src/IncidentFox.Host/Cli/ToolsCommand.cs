using System.CommandLine;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;

namespace IncidentFox.Host.Cli;

/// <summary><c>incidentfox tools list|show|set|explain</c>.</summary>
public static class ToolsCommand
{
    /// <summary>The command with its subcommands.</summary>
    public static Command Create(Option<FileInfo?> config) => new("tools", "Which tools there are, who may use them and what needs an approval.")
    {
        List(config), Show(config), PolicyEntryCommand.Set(config, PolicyPart.Tool), Explain(config),
    };

    private static Command List(Option<FileInfo?> config)
    {
        var team = PolicyAccess.TeamOption();
        var command = new Command("list", "Every tool of the team with the policy in force, as the gateway published them when it last started.") { team };
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await PolicyAccess.OpenAsync(parse.GetValue(config), parse.GetValue(team), org: false, ct);
            if (access is null)
                return 2;
            var tools = await access.Tools.OfAsync(access.Team, ct);
            return PolicyAccess.Print(tools.Count == 0 ? ["No tools yet: the gateway lists them when it starts."] : PolicyText.Tools(await access.EffectiveAsync(ct), tools, TimeProvider.System.GetUtcNow()));
        });
        return command;
    }

    private static Command Show(Option<FileInfo?> config)
    {
        var (name, team) = (Name(), PolicyAccess.TeamOption());
        var command = new Command("show", "Everything about one tool.") { name, team };
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await PolicyAccess.OpenAsync(parse.GetValue(config), parse.GetValue(team), org: false, ct);
            if (access is null || await FindAsync(access, parse.GetValue(name)!, ct) is not { } tools)
                return access is null ? 2 : 1;
            var policy = await access.EffectiveAsync(ct);
            return PolicyAccess.Print(tools.SelectMany(t => PolicyText.Tool(policy, t, TimeProvider.System.GetUtcNow())));
        });
        return command;
    }

    private static Command Explain(Option<FileInfo?> config)
    {
        var (name, team) = (Name(), PolicyAccess.TeamOption());
        var role = new Option<string>("--role") { Description = "The lowest role among those who ask: viewer, operator, admin, org_admin.", DefaultValueFactory = _ => "operator" };
        var space = new Option<string?>("--namespace") { Description = "Where the call would act." };
        var command = new Command("explain", "Says which entry of the policy decides about a call made now, and why.") { name, team, role, space };
        command.SetAction(async (parse, ct) =>
        {
            if (!RoleNames.TryParse(parse.GetValue(role), out var asking))
            {
                Console.Error.WriteLine("--role is one of viewer, operator, admin, org_admin.");
                return 2;
            }
            await using var access = await PolicyAccess.OpenAsync(parse.GetValue(config), parse.GetValue(team), org: false, ct);
            if (access is null || await FindAsync(access, parse.GetValue(name)!, ct) is not { } tools)
                return access is null ? 2 : 1;
            var policy = await access.EffectiveAsync(ct);
            return PolicyAccess.Print(tools.SelectMany(t => PolicyExplainer.Explain(policy, new ToolFacts(t.Tool, t.Effect, asking)
            {
                Integration = t.Integration, OtherNames = t.OtherNames, Namespace = parse.GetValue(space), At = TimeProvider.System.GetUtcNow(),
            })));
        });
        return command;
    }

    private static Argument<string> Name() => new("name") { Description = "The tool, such as pod_restart or kubernetes.pod_restart." };

    private static async Task<IReadOnlyList<ListedTool>?> FindAsync(PolicyAccess access, string name, CancellationToken cancellationToken)
    {
        var tools = (await access.Tools.OfAsync(access.Team, cancellationToken)).Where(t => t.IsNamed(name)).ToList();
        if (tools.Count > 0)
            return tools;
        Console.Error.WriteLine($"Team {access.Team} has no tool '{Inert.Text(name)}'; incidentfox tools list shows them.");
        return null;
    }
}
