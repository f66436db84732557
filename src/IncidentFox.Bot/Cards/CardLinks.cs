using IncidentFox.Bot.Cards.Storage;
using IncidentFox.Core;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Cards;

/// <summary>Links to cards. Live only when they lead to the workspace that Slack itself says is ours.</summary>
internal sealed class CardLinks(ISlackClient slack, CardStore cards)
{
    private SlackLinks? _allowed;

    /// <summary>Where an approval's card is; null until it was posted.</summary>
    public async Task<CardPlace?> PlaceOfAsync(ApprovalId approval, CancellationToken cancellationToken)
    {
        if (await cards.PlaceOfAsync(CardStore.Approval, approval.Value, cancellationToken) is not { } place)
            return null;
        var permalink = await slack.GetPermalinkAsync(place.Channel, place.Ts, cancellationToken);
        var allowed = _allowed ??= await WorkspaceAsync(cancellationToken);
        return new CardPlace(place.Channel, permalink.Ok && allowed is not null && allowed.TryAllow(permalink.Value, out var link) ? link : null);
    }

    private async Task<SlackLinks?> WorkspaceAsync(CancellationToken cancellationToken)
    {
        var identity = await slack.AuthTestAsync(cancellationToken);
        return identity.Ok && Uri.TryCreate(identity.Value.Url, UriKind.Absolute, out var url) ? new SlackLinks([url.Authority]) : null;
    }
}
