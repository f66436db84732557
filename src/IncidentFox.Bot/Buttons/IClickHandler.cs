using IncidentFox.Bot.Inbound;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Buttons;

/// <summary>One button.</summary>
internal interface IClickHandler
{
    string ActionId { get; }

    ValueTask OnClickAsync(SlackInteraction interaction, SlackAction action, Caller caller, CancellationToken cancellationToken);
}

/// <summary>One modal that was submitted.</summary>
internal interface IModalHandler
{
    string CallbackId { get; }

    ValueTask<SlackReply> OnSubmitAsync(SlackInteraction interaction, SlackSubmittedView view, Caller caller, CancellationToken cancellationToken);
}
