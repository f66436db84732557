using IncidentFox.Bot.Cards.Storage;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Slack;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Cards;

/// <summary>
/// Tells channels what is due: reminders, escalation, broken glass. Whether somebody may approve does not depend on it: that is judged by the clock. When
/// the process dies between the post and writing it down, the same is told a second time.
/// </summary>
internal sealed partial class ApprovalNoticeSender(
    ApprovalNoticeStore notices, CardStore cards, ApprovalReader approvals, InvestigationStore investigations, ChannelDirectory channels, CardLinks links,
    ChannelPace pace, ISlackClient slack, ILogger<ApprovalNoticeSender> logger)
{
    private const int AtOnce = 20;

    /// <summary>Writes down what is due; cards of those concerned are looked at again.</summary>
    public async Task RecordAsync(CancellationToken cancellationToken)
    {
        var changed = await notices.RecordDueAsync(cancellationToken);
        if (changed.Count > 0)
            await cards.MarkDirtyAsync(changed, cancellationToken);
    }

    /// <summary>Posts what was written down; how many that was.</summary>
    public async Task<int> PostAsync(CancellationToken cancellationToken)
    {
        var posted = 0;
        foreach (var notice in await notices.ClaimAsync(AtOnce, cancellationToken))
        {
            if (await TellAsync(notice, cancellationToken))
                posted++;
        }
        return posted;
    }

    private async Task<bool> TellAsync(DueNotice notice, CancellationToken cancellationToken)
    {
        if (NoticeKey.TryParse(notice.Key) is not { } key || await approvals.FindAsync(notice.Approval, cancellationToken) is not { } approval
            || !ApprovalNotice.StillMatters(approval, key))
        {
            await notices.GiveUpAsync(notice, cancellationToken);
            return false;
        }
        if (await PlaceAsync(approval, key, cancellationToken) is not { } channel)
            return await FailedAsync(notice, "channel_not_found", cancellationToken);
        var workspace = (await investigations.FindAsync(approval.Investigation, cancellationToken))?.WorkspaceId ?? "";
        var mentions = await notices.MentionsAsync(approval.Resource.Org, workspace, ApprovalNotice.For(approval, key), cancellationToken);
        var card = await links.PlaceOfAsync(approval.Id, cancellationToken);
        await pace.WaitAsync(channel, cancellationToken);
        var told = await slack.PostMessageAsync(channel, ApprovalNotice.Render(approval, key, mentions, card), cancellationToken: cancellationToken);
        // Told, perhaps: twice is worse than once here.
        if (!told.Ok && told.Error.Delivery != SlackDelivery.Unknown)
            return await FailedAsync(notice, told.Error.Code, cancellationToken);
        await notices.PostedAsync(notice, CancellationToken.None);
        return true;
    }

    // The step's own channel; else where the card is; else where it is meant to be; else where the investigation is.
    private async Task<string?> PlaceAsync(Approval approval, NoticeKey key, CancellationToken cancellationToken)
    {
        if (ApprovalNotice.StepOf(approval, key)?.NotifyChannel is { } named && (await channels.ResolveAsync(named, cancellationToken)).Id is { } other)
            return other;
        if (await cards.PlaceOfAsync(CardStore.Approval, approval.Id.Value, cancellationToken) is { } card)
            return card.Channel;
        return (await channels.ResolveAsync(approval.NotifyChannel, cancellationToken)).Id
            ?? (await investigations.FindAsync(approval.Investigation, cancellationToken))?.ChannelId;
    }

    private async Task<bool> FailedAsync(DueNotice notice, string reason, CancellationToken cancellationToken)
    {
        NotTold(logger, notice.Key, notice.Approval.Value, reason);
        if (notice.Attempts >= ApprovalNoticeStore.MaxAttempts)
            await notices.GiveUpAsync(notice, cancellationToken);
        return false;
    }

    [LoggerMessage(70, LogLevel.Warning, "Notice {Key} of approval {Approval} could not be posted to Slack ({Reason}); trying again for a while. The card says the same.")]
    private static partial void NotTold(ILogger logger, string key, Guid approval, string reason);
}
