using IncidentFox.Bot.Cards;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Commands;

/// <summary>Everything of the team that waits for people, with links to the cards: deciding is done there, where all of it is shown.</summary>
internal sealed class ApprovalsCommand(ApprovalReader approvals, CardLinks links) : ICommand
{
    private const int Most = 15;

    public string Name => "approvals";

    public bool Admin => true;

    public string Usage => "/incidentfox-admin approvals";

    public string Summary => "Everything of the team that waits for a decision or a review.";

    public IReadOnlyList<Need> Needs => [new(null, Permission.ReadApprovals)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var (shown, all) = await approvals.WaitingAsync(request.Team.Org, [request.Team.Team], Most, cancellationToken);
        if (shown.Count == 0)
            return Replies.Say("Nothing of this team waits for a decision.");
        var lines = new List<(Approval, CardPlace?)>();
        foreach (var approval in shown)
            lines.Add((approval, await links.PlaceOfAsync(approval.Id, cancellationToken)));
        return SlackReply.Ephemeral(ApprovalLines.Message(lines, all));
    }
}
