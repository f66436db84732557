using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Buttons;

/// <summary>Somebody acted alone, and another admin has looked at it: asks what they found.</summary>
internal sealed class ReviewButton(DecisionDesk desk) : IClickHandler
{
    public const string Id = "approval.review";

    public string ActionId => Id;

    public Permission Needs => Permission.CloseReview;

    public async ValueTask OnClickAsync(SlackInteraction interaction, SlackAction action, Caller caller, CancellationToken cancellationToken)
    {
        var (approval, refusal) = await desk.AdmitAsync(action.Value, caller, "close_review", cancellationToken);
        if (approval is null)
            desk.Tell(interaction, interaction.ChannelId, refusal!);
        else if (approval.BreakGlass is not { ReviewIsOpen: true } broken)
            desk.Tell(interaction, interaction.ChannelId, "There is no open review here.");
        else if (broken.Person == caller.Person?.Person)
            desk.Tell(interaction, interaction.ChannelId, BreakingGlass.OwnReview);
        else if (interaction.TriggerId is { } trigger)
            desk.Open(trigger, ReviewModal.View(approval, interaction.ChannelId));
    }
}
