using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Buttons;

internal sealed class ApproveButton(DecisionDesk desk, ApprovalVoting voting) : IClickHandler
{
    public const string Id = "approval.approve";

    public string ActionId => Id;

    public Permission Needs => Permission.DecideApproval;

    public async ValueTask OnClickAsync(SlackInteraction interaction, SlackAction action, Caller caller, CancellationToken cancellationToken)
    {
        var (approval, refusal) = await desk.AdmitAsync(action.Value, caller, "approve", cancellationToken);
        var said = approval is null ? refusal! : (await voting.ApproveAsync(approval.Id, caller.Person, caller.Identity, cancellationToken)).Message;
        desk.Tell(interaction, interaction.ChannelId, said);
    }
}
