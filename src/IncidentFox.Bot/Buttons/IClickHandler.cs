using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Buttons;

/// <summary>One button.</summary>
internal interface IClickHandler
{
    string ActionId { get; }

    /// <summary>What the person needs, in the team of what the button is about: it is checked with the row, where the team is known.</summary>
    Permission Needs { get; }

    ValueTask OnClickAsync(SlackInteraction interaction, SlackAction action, Caller caller, CancellationToken cancellationToken);
}

/// <summary>One modal that was submitted.</summary>
internal interface IModalHandler
{
    string CallbackId { get; }

    /// <summary>What the person needs, in the team of what the modal is about: it is checked with the row, where the team is known.</summary>
    Permission Needs { get; }

    ValueTask<SlackReply> OnSubmitAsync(SlackInteraction interaction, SlackSubmittedView view, Caller caller, CancellationToken cancellationToken);
}
