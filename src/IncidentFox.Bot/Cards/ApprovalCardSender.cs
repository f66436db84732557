using IncidentFox.Bot.Cards.Storage;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Cards;

/// <summary>Brings an approval's card up to date, in the channel where people are asked.</summary>
internal sealed class ApprovalCardSender(
    CardStore cards, ApprovalReader approvals, InvestigationStore investigations, ChannelDirectory channels, CardPoster poster, ChannelPace pace)
{
    public async Task<CardOutcome> SendAsync(CardRow card, CancellationToken cancellationToken)
    {
        var id = new ApprovalId(card.SubjectId);
        if (await approvals.FindAsync(id, cancellationToken) is not { } approval)
            return CardOutcome.Done(settled: true);
        var (channel, note) = (card.ChannelId, card.Note);
        if (channel is null)
        {
            var resolved = await channels.ResolveAsync(approval.NotifyChannel, cancellationToken);
            if (resolved.Error is { } error)
                return CardOutcome.Failed(error);
            (channel, note) = resolved.Id is { } found ? (found, null) : await FallBackAsync(approval, "does not exist or is not visible to me", cancellationToken);
            await cards.PlaceAsync(card.Id, channel, note, cancellationToken);
        }
        if (!CardPoster.IsShown(card, ApprovalCard.Render(approval, note)))
        {
            await pace.WaitAsync(channel, cancellationToken);
            // Read again after the wait: what is shown is as new as it can be.
            approval = await approvals.FindAsync(id, cancellationToken) ?? approval;
            var (failed, _) = await poster.ShowAsync(card, channel, ApprovalCard.Render(approval, note), cancellationToken);
            if (failed is not null)
                return await FailedAsync(card, approval, channel, failed, cancellationToken);
        }
        if (card.Ts is null)
            await cards.MarkDirtyAsync([approval.Investigation.Value], cancellationToken);
        return CardOutcome.Done(approval.State.IsFinal() && approval.BreakGlass is not { ReviewIsOpen: true });
    }

    // A channel that can't be written to must not swallow the question.
    private async Task<CardOutcome> FailedAsync(CardRow card, Approval approval, string channel, SlackError error, CancellationToken cancellationToken)
    {
        if (error.IsUnreachableChannel() && card.Ts is null)
        {
            var (other, note) = await FallBackAsync(approval, "can't be written to by me: invite me there", cancellationToken);
            if (other != channel)
                await cards.PlaceAsync(card.Id, other, note, cancellationToken);
        }
        return CardOutcome.Failed(error);
    }

    private async Task<(string Channel, string? Note)> FallBackAsync(Approval approval, string why, CancellationToken cancellationToken)
    {
        var investigation = await investigations.FindAsync(approval.Investigation, cancellationToken)
            ?? throw new InvalidOperationException($"Approval {approval.Id} has no investigation.");
        return (investigation.ChannelId, $"This decision should be made in {approval.NotifyChannel}, but that channel {why}. It is asked for here instead.");
    }
}
