using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Approvals;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Buttons;

/// <summary>
/// The checks before a decision that are Slack's business: is this card the current one, and is this account a full member of the workspace. Who may
/// decide by role is judged by <see cref="ApprovalVoting"/>, under the row's lock.
/// </summary>
internal sealed class DecisionDesk(ApprovalReader approvals, SlackPeople people, Callers callers, AfterAnswer answers)
{
    /// <summary>The approval to decide; null when the click is refused, and then the person was told why and it is in the audit trail.</summary>
    public async Task<(Approval? Approval, string? Refusal)> AdmitAsync(string? value, Caller caller, string what, CancellationToken cancellationToken)
    {
        if (!CardValue.TryParse(value, out var card) || await approvals.FindAsync(card.Id, cancellationToken) is not { } approval)
            return (null, "This card does not belong to anything that can be decided.");
        if (!card.Matches(approval))
            return (null, await DenyAsync(caller, approval, what, "This card is not the current one. Please use the newest card.", cancellationToken));
        var standing = await people.StandingAsync(caller.WorkspaceId, caller.UserId, cancellationToken);
        return standing.Good
            ? (approval, null)
            : (null, await DenyAsync(caller, approval, what, standing.Reason!, cancellationToken));
    }

    /// <summary>Tells the person who clicked, and only them.</summary>
    public void Tell(SlackInteraction interaction, string? channelId, string sentence)
    {
        var message = new SlackMessage(SlackText.Inert(sentence, Limits.MessageText, "…"));
        if (interaction.ResponseUrl is { } url)
            answers.Enqueue((slack, ct) => slack.RespondAsync(url, message, cancellationToken: ct));
        else if (channelId is not null)
            answers.Enqueue((slack, ct) => slack.PostEphemeralAsync(channelId, interaction.UserId, message, cancellationToken: ct));
    }

    /// <summary>Opens a modal for the person who clicked; Slack allows three seconds.</summary>
    public void Open(string triggerId, SlackView view) => answers.Enqueue((slack, ct) => slack.OpenViewAsync(triggerId, view, ct));

    private async Task<string> DenyAsync(Caller caller, Approval approval, string what, string reason, CancellationToken cancellationToken)
    {
        await callers.RecordDenialAsync(caller, approval.Resource, $"{what} {approval.Id}", reason, cancellationToken);
        return reason;
    }
}
