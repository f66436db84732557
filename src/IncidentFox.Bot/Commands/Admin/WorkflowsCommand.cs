using IncidentFox.Bot.Commands.Admin.Modals;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Commands.Admin;

internal sealed class WorkflowsCommand(PolicyDesk desk, PolicyForms forms) : ICommand
{
    public string Name => "workflows";

    public bool Admin => true;

    public string Usage => "/incidentfox-admin workflows list | set ACTION [required_approvers=… timeout_minutes=… notify_channel=… approvers=… escalation=\"…\"] [--org]";

    public string Summary => "Whose approval actions need; set without settings opens a form. ACTION \"default\" fills what others leave out.";

    public IReadOnlyList<Need> Needs => [new("list", Permission.ReadPolicy), new("set", Permission.ConfigureTools)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var arguments = AdminArguments.Parse(request.Argument);
        if (arguments.Fault is { } fault)
            return Replies.Say(fault);
        if (!request.Argument.StartsWith("list", StringComparison.OrdinalIgnoreCase))
            return await forms.SetAsync(request, arguments, PolicyPart.Workflow, $"{Name} set", cancellationToken);
        var policy = await desk.Store.EffectiveAsync(request.Team.Org, request.Team.Team, cancellationToken);
        return AdminReplies.Reply($"Approvals of team {request.Team.Team}, by the policy in force", PolicyText.Workflows(policy));
    }
}
