using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Buttons;

/// <summary>Asks why. The decision is made, and judged again, when the modal comes back.</summary>
internal sealed class DenyButton(DecisionDesk desk) : IClickHandler
{
    public const string Id = "approval.deny";

    public string ActionId => Id;

    public Permission Needs => Permission.DecideApproval;

    public async ValueTask OnClickAsync(SlackInteraction interaction, SlackAction action, Caller caller, CancellationToken cancellationToken)
    {
        var (approval, refusal) = await desk.AdmitAsync(action.Value, caller, "deny", cancellationToken);
        if (approval is null)
            desk.Tell(interaction, interaction.ChannelId, refusal!);
        else if (approval.State is not (ApprovalState.Pending or ApprovalState.Approved))
            desk.Tell(interaction, interaction.ChannelId, $"This is already {approval.State.Name()}.");
        else if (interaction.TriggerId is { } trigger)
            desk.Open(trigger, DenyModal.View(approval, interaction.ChannelId));
    }
}
