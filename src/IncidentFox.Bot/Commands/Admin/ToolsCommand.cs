using IncidentFox.Bot.Commands.Admin.Modals;
using IncidentFox.Bot.Inbound;
using IncidentFox.Core;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands.Admin;

internal sealed class ToolsCommand(KnownTools known, PolicyDesk desk, PolicyForms forms, IdentityStore identities, TimeProvider time) : ICommand
{
    public string Name => "tools";

    public bool Admin => true;

    public string Usage => "/incidentfox-admin tools list | show NAME | set NAME [enabled=… allowed_roles=… require_approval=…] [--org] | explain NAME [as @user] [in TEAM] [namespace=…]";

    public string Summary => "Which tools there are, who may use them and what needs an approval; set without settings opens a form. \"default\" takes a setting out.";

    public IReadOnlyList<Need> Needs =>
        [new("list", Permission.ReadPolicy), new("show", Permission.ReadPolicy), new("explain", Permission.ReadPolicy), new("set", Permission.ConfigureTools)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var arguments = AdminArguments.Parse(request.Argument);
        if (arguments.Fault is { } fault)
            return Replies.Say(fault);
        return request.Argument.Split((char[]?)null, 2)[0].ToLowerInvariant() switch
        {
            "list" => await ListAsync(request, arguments, cancellationToken),
            "show" => await ShowAsync(request, arguments, cancellationToken),
            "explain" => await ExplainAsync(request, arguments, cancellationToken),
            _ => await forms.SetAsync(request, arguments, PolicyPart.Tool, $"{Name} set", cancellationToken),
        };
    }

    private async Task<SlackReply> ListAsync(CommandRequest request, AdminArguments arguments, CancellationToken cancellationToken)
    {
        var filter = arguments.Words.FirstOrDefault("");
        var tools = (await known.OfAsync(request.Team.Team, cancellationToken))
            .Where(t => t.Tool.Contains(filter, StringComparison.OrdinalIgnoreCase) || t.Integration.Contains(filter, StringComparison.OrdinalIgnoreCase)).ToList();
        if (tools.Count == 0)
            return Replies.Say(filter.Length == 0 ? "This team has no tools yet. The gateway lists them when it starts." : $"No tool and no integration of this team is called anything like \"{filter}\".");
        var policy = await desk.Store.EffectiveAsync(request.Team.Org, request.Team.Team, cancellationToken);
        return AdminReplies.Reply($"Tools of team {request.Team.Team}, by the policy in force", PolicyText.Tools(policy, tools, time.GetUtcNow()));
    }

    private async Task<SlackReply> ShowAsync(CommandRequest request, AdminArguments arguments, CancellationToken cancellationToken)
    {
        var (tools, refusal) = await FindAsync(request, arguments, cancellationToken);
        if (refusal is { } refused)
            return refused;
        var policy = await desk.Store.EffectiveAsync(request.Team.Org, request.Team.Team, cancellationToken);
        return AdminReplies.Reply($"{arguments.Words[0]} in team {request.Team.Team}", [.. tools.SelectMany(t => PolicyText.Tool(policy, t, time.GetUtcNow()))]);
    }

    private async Task<SlackReply> ExplainAsync(CommandRequest request, AdminArguments arguments, CancellationToken cancellationToken)
    {
        var (tools, refusal) = await FindAsync(request, arguments, cancellationToken);
        if (refusal is { } refused)
            return refused;
        if (arguments.Settings.Keys.FirstOrDefault(k => k is not "namespace") is { } unknown)
            return Replies.Say($"{unknown}= is not known here; tools explain takes namespace=…, as @user and in TEAM.");
        if (Said(arguments.Words, out var who, out var where) is { } fault)
            return Replies.Say(fault);
        var team = request.Team with { Team = where is null ? request.Team.Team : new TeamId(where) };
        if (Authorization.Decide(request.Caller.Person, Permission.ReadPolicy, team) is { Allowed: false, Reason: var reason })
            return Replies.Say(reason!);
        var person = who is null ? request.Caller.Person : await identities.FindSlackUserAsync(request.Caller.WorkspaceId, who, cancellationToken);
        var role = person is null || person.Org != team.Org ? Role.None : person.RoleIn(team.Team);
        var policy = await desk.Store.EffectiveAsync(team.Org, team.Team, cancellationToken);
        var lines = tools.SelectMany(t => PolicyExplainer.Explain(policy, new ToolFacts(t.Tool, t.Effect, role)
        {
            Integration = t.Integration, OtherNames = t.OtherNames, Namespace = arguments.Settings.GetValueOrDefault("namespace"), At = time.GetUtcNow(),
        })).ToList();
        return AdminReplies.Reply($"{arguments.Words[0]}, asked by {SlackText.Inert(person?.DisplayName, 60, "somebody without a role")} ({role.Name()}) in team {team.Team}, now", lines);
    }

    private async Task<(IReadOnlyList<ListedTool> Tools, SlackReply? Refusal)> FindAsync(CommandRequest request, AdminArguments arguments, CancellationToken cancellationToken)
    {
        if (arguments.Words.Count == 0)
            return ([], Replies.Say("Say which tool: /incidentfox-admin tools list shows them."));
        var tools = (await known.OfAsync(request.Team.Team, cancellationToken)).Where(t => t.IsNamed(arguments.Words[0])).ToList();
        return tools.Count > 0
            ? (tools, null)
            : ([], Replies.Say(await known.WhyNotAsync(request.Team.Team, arguments.Words[0], cancellationToken) ?? $"\"{arguments.Words[0]}\" is not one tool."));
    }

    // NAME as U123 in TEAM, in any order.
    private static string? Said(IReadOnlyList<string> words, out string? who, out string? where)
    {
        (who, where) = (null, null);
        for (var i = 1; i < words.Count; i += 2)
        {
            var value = i + 1 < words.Count ? words[i + 1] : null;
            switch (words[i].ToLowerInvariant())
            {
                case "as" when value is { Length: > 1 } && value[0] is 'U' or 'W':
                    who = value;
                    break;
                case "as":
                    return "Say whom with a mention: as @name.";
                case "in" when value is not null:
                    where = value;
                    break;
                default:
                    return $"\"{words[i]}\" is not understood here: tools explain NAME [as @user] [in TEAM] [namespace=…].";
            }
        }
        return null;
    }
}
