using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Buttons;

/// <summary>What is done less often than a plain yes or no. Everything is judged again when the modal comes back.</summary>
internal sealed class MoreButton(DecisionDesk desk) : IClickHandler
{
    public const string Id = "approval.more";

    public string ActionId => Id;

    public Permission Needs => Permission.DecideApproval;

    public async ValueTask OnClickAsync(SlackInteraction interaction, SlackAction action, Caller caller, CancellationToken cancellationToken)
    {
        var (approval, refusal) = await desk.AdmitAsync(action.Value, caller, "more", cancellationToken);
        if (approval is null)
            desk.Tell(interaction, interaction.ChannelId, refusal!);
        else if (MoreModal.Choices(approval, caller.Person) is not { Count: > 0 } choices)
            desk.Tell(interaction, interaction.ChannelId, $"There is nothing more to do here: this is {approval.State.Name()}.");
        else if (interaction.TriggerId is { } trigger)
            desk.Open(trigger, MoreModal.View(approval, choices, interaction.ChannelId));
    }
}
