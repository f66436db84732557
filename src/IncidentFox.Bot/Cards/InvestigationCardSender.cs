using IncidentFox.Bot.Cards.Storage;
using IncidentFox.Bot.Inbound;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Storage;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Cards;

/// <summary>Brings an investigation's card up to date and then says in its thread what is news.</summary>
internal sealed class InvestigationCardSender(
    CardStore cards, InvestigationStore investigations, ApprovalReader approvals, CardPoster poster, ChannelPace pace, CardLinks links, ISlackClient slack,
    LateAnswers late, Database database)
{
    private const int Page = 1_000;
    private const int MaxEvents = 5_000;

    // So long a reply waits for the card it points to; then it goes without.
    private static readonly TimeSpan CardIsLate = TimeSpan.FromSeconds(20);

    public async Task<CardOutcome> SendAsync(CardRow card, CancellationToken cancellationToken)
    {
        var id = new InvestigationId(card.SubjectId);
        if (card.ChannelId is not { } channel)
            return CardOutcome.Done(settled: true);
        if (await ReadAsync(id, cancellationToken) is not { } view)
            return CardOutcome.Done(settled: true);
        if (CardPoster.IsShown(card, InvestigationCard.Render(view)))
            return await ReplyAsync(view, channel, card.Ts!, cancellationToken);
        await pace.WaitAsync(channel, cancellationToken);
        // Read again after the wait: what is shown is as new as it can be.
        view = await ReadAsync(id, cancellationToken) ?? view;
        var (failed, ts) = await poster.ShowAsync(card, channel, InvestigationCard.Render(view), cancellationToken);
        if (failed is not null)
        {
            if (failed.IsUnreachableChannel())
            {
                late.TellOnce(id, $"I can't write to this channel, so the answer can't be shown here. Invite me to the channel (/invite) and it appears; until then: /incidentfox status {id.Short}.");
            }
            return CardOutcome.Failed(failed);
        }
        return await ReplyAsync(view, channel, ts!, cancellationToken);
    }

    private async Task<CardOutcome> ReplyAsync(InvestigationView view, string channel, string thread, CancellationToken cancellationToken)
    {
        var id = view.Investigation.Id;
        var said = await cards.RepliedAsync(id, cancellationToken);
        foreach (var news in ThreadNews.Of(view).Where(n => !said.Contains(n.Key)))
        {
            CardPlace? place = null;
            if (news.Card is { } approval)
            {
                place = await links.PlaceOfAsync(approval, cancellationToken);
                if (place is null && await database.NowAsync(cancellationToken) - news.At < CardIsLate)
                    return CardOutcome.Later(TimeSpan.FromSeconds(1));
            }
            await pace.WaitAsync(channel, cancellationToken);
            var posted = await slack.PostMessageAsync(channel, NewsMessage.Render(news, place), thread, cancellationToken);
            if (!posted.Ok)
                return CardOutcome.Failed(posted.Error);
            await cards.ReplyPostedAsync(id, news.Key, posted.Value.Ts, CancellationToken.None);
        }
        return CardOutcome.Done(view.Investigation.State.IsFinal() && view.Approvals.All(a => a.State.IsFinal()));
    }

    private async Task<InvestigationView?> ReadAsync(InvestigationId id, CancellationToken cancellationToken)
    {
        // The events first: an investigation that ended after they were read makes its row's signal, and the card is looked at again.
        var timeline = new List<TimelineEvent>();
        IReadOnlyList<TimelineEvent> page;
        do
        {
            page = await investigations.TimelineAsync(id, timeline.Count == 0 ? 0 : timeline[^1].Position, cancellationToken);
            timeline.AddRange(page);
        }
        while (page.Count == Page && timeline.Count < MaxEvents);
        if (await investigations.FindAsync(id, cancellationToken) is not { } investigation)
            return null;
        var asked = new List<Approval>();
        foreach (var approval in await approvals.OfInvestigationAsync(id, cancellationToken))
        {
            if (await approvals.FindAsync(approval, cancellationToken) is { } found)
                asked.Add(found);
        }
        return new InvestigationView
        {
            Investigation = investigation,
            Timeline = timeline,
            Approvals = asked,
            Driver = await cards.DriverAsync(id, cancellationToken),
        };
    }
}
