using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Slack;

/// <summary>
/// Slack's Web API. Every call waits for its rate limit (bounded by <see cref="SlackOptions.MaxRateLimitWait"/>) and sends again after a 429,
/// which is certain not to have been delivered. Reads and updates, which do no harm twice, are also sent again after a lost answer.
/// A post, an ephemeral, a modal and a response_url answer are NOT: when the answer is lost the error says
/// <see cref="SlackDelivery.Unknown"/>, and the caller decides whether a second copy is worse than none.
/// Posts never unfurl and never parse mentions or links out of plain text.
/// </summary>
public interface ISlackClient
{
    ValueTask<SlackResult<PostedMessage>> PostMessageAsync(
        string channelId, SlackMessage message, string? threadTs = null, CancellationToken cancellationToken = default);

    ValueTask<SlackResult<PostedMessage>> UpdateMessageAsync(
        string channelId, string ts, SlackMessage message, CancellationToken cancellationToken = default);

    ValueTask<SlackResult<SlackDone>> PostEphemeralAsync(
        string channelId, string userId, SlackMessage message, string? threadTs = null, CancellationToken cancellationToken = default);

    ValueTask<SlackResult<SlackDone>> OpenViewAsync(string triggerId, SlackView view, CancellationToken cancellationToken = default);

    ValueTask<SlackResult<SlackDone>> PublishHomeAsync(string userId, HomeView view, CancellationToken cancellationToken = default);

    ValueTask<SlackResult<SlackUser>> GetUserAsync(string userId, CancellationToken cancellationToken = default);

    /// <summary>All public and private channels the bot can see, archived ones left out.</summary>
    ValueTask<SlackResult<IReadOnlyList<SlackChannel>>> ListChannelsAsync(CancellationToken cancellationToken = default);

    ValueTask<SlackResult<IReadOnlyList<string>>> ListUserGroupMembersAsync(string userGroupId, CancellationToken cancellationToken = default);

    /// <summary>All user groups that are not disabled, with their members, in one answer (scope <c>usergroups:read</c>).</summary>
    ValueTask<SlackResult<IReadOnlyList<SlackUserGroup>>> ListUserGroupsAsync(CancellationToken cancellationToken = default);

    ValueTask<SlackResult<SlackIdentity>> AuthTestAsync(CancellationToken cancellationToken = default);

    ValueTask<SlackResult<string>> GetPermalinkAsync(string channelId, string ts, CancellationToken cancellationToken = default);

    /// <summary>
    /// Answers through a response_url, which must be Slack's own (hooks.slack.com or the host of <see cref="SlackOptions.ApiBaseUrl"/>);
    /// anything else is <c>refused_url</c> without a request.
    /// </summary>
    ValueTask<SlackResult<SlackDone>> RespondAsync(
        string responseUrl, SlackMessage message, bool replaceOriginal = false, CancellationToken cancellationToken = default);
}
