using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands;

internal sealed class StopCommand(InvestigationStore investigations, ApprovalVoting approvals) : ICommand
{
    public string Name => "stop";

    public bool Admin => false;

    public string Usage => "/incidentfox stop [id]";

    public string Summary => "Stops an investigation and withdraws what it asked to do; without an id the only one at work.";

    public IReadOnlyList<Need> Needs => [new(null, Permission.StopInvestigation)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var caller = request.Caller;
        var ambiguous = 0;
        var found = await investigations.FindAsync(request.Team, request.Argument, recent => TheOnlyOpen(recent, out ambiguous), cancellationToken);
        if (ambiguous > 1)
            return Replies.Say($"{ambiguous} investigations of this team are open. Say which: /incidentfox stop and its id (/incidentfox list shows them).");
        if (found is null)
        {
            return Replies.Say(request.Argument.Length == 0
                ? "Nothing of this team is being investigated."
                : $"This team has no recent investigation \"{SlackText.Inert(request.Argument, 40)}\". /incidentfox list shows them.");
        }
        // First the end, then the withdrawal: the sandbox can't ask for anything new in between. The sweep repeats the withdrawal after a crash.
        var name = SlackText.Inert(caller.Person!.DisplayName, 60, caller.UserId);
        if (!await investigations.EndAsync(found.Id, InvestigationState.Stopped, caller.AuditName, "stopped", $"Stopped by {name}.", cancellationToken))
            return Replies.Say($"Investigation {found.Id.Short} is over already: {InvestigationLines.InWords(found.State)}.");
        var cancelled = await approvals.CancelForAsync(found.Id, caller.AuditName, $"The investigation was stopped by {name}.", cancellationToken);
        return Replies.Say(cancelled.Count == 0
            ? $"Investigation {found.Id.Short} is stopped."
            : $"Investigation {found.Id.Short} is stopped and {cancelled.Count} open action(s) withdrawn; nothing more will run.");
    }

    private static Investigation? TheOnlyOpen(IReadOnlyList<Investigation> recent, out int open)
    {
        var alive = recent.Where(i => !i.State.IsFinal()).ToList();
        open = alive.Count;
        return open == 1 ? alive[0] : null;
    }
}
