using System.Security.Cryptography;
using System.Text;
using IncidentFox.Bot.Cards.Storage;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Cards;

/// <summary>
/// Makes Slack show a message: posts it once, updates it when it differs from what is shown, posts it anew when it was deleted.
/// Slack has no way to post exactly once: when the process dies, or the answer is lost, between the post and writing down where it is, the card is posted
/// a second time. The older copy is never updated; its buttons lead to the same approval, which the database decides.
/// </summary>
internal sealed class CardPoster(ISlackClient slack, CardStore cards, ChannelPace pace)
{
    /// <summary>Whether Slack shows just this, as far as we know: then it takes no write, and nobody's turn in the channel.</summary>
    public static bool IsShown(CardRow card, SlackMessage message) => card is { Ts: not null, ShownHash: { } shown } && shown.AsSpan().SequenceEqual(Hash(message));

    /// <summary>Null when Slack shows it now, and then the time stamp is there.</summary>
    public async Task<(SlackError? Error, string? Ts)> ShowAsync(CardRow card, string channelId, SlackMessage message, CancellationToken cancellationToken)
    {
        if (IsShown(card, message))
            return (null, card.Ts);
        var hash = Hash(message);
        if (card.Ts is { } ts)
        {
            var updated = await slack.UpdateMessageAsync(channelId, ts, message, cancellationToken);
            if (updated.Ok)
            {
                await cards.ShownAsync(card.Id, ts, hash, cancellationToken);
                return (null, ts);
            }
            if (!updated.Error.IsMessageGone())
                return (updated.Error, ts);
            await cards.ShownAsync(card.Id, null, null, cancellationToken);
            await pace.WaitAsync(channelId, cancellationToken);
        }
        var posted = await slack.PostMessageAsync(channelId, message, cancellationToken: cancellationToken);
        if (!posted.Ok)
            return (posted.Error, null);
        await cards.ShownAsync(card.Id, posted.Value.Ts, hash, CancellationToken.None);
        return (null, posted.Value.Ts);
    }

    internal static byte[] Hash(SlackMessage message) => SHA256.HashData(Encoding.UTF8.GetBytes(SlackJson.Serialize(message)));
}
