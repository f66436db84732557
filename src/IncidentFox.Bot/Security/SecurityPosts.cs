using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Security.Storage;
using IncidentFox.Slack;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Bot.Security;

/// <summary>
/// Posts security alerts to the configured channel, some in one message, never more than one message every few seconds. What Slack does not take is posted
/// later; whoever reads the audit trail does not depend on it.
/// </summary>
internal sealed partial class SecurityPosts(
    SecurityPostStore posts, ISlackClient slack, ChannelDirectory channels, ChannelPace pace, SlackOptions options, TimeProvider time, ILogger<SecurityPosts> logger)
    : BackgroundService
{
    private const int MaxInOne = 10;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.SecurityChannel is null)
            return;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await PostAsync(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                Unreadable(logger, e.Message);
            }
            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Posts what is due; how many alerts that was.</summary>
    internal async Task<int> PostAsync(CancellationToken cancellationToken)
    {
        var alerts = await posts.ClaimAsync(MaxInOne, cancellationToken);
        if (alerts.Count == 0)
            return 0;
        var (channel, unlisted) = await channels.ResolveAsync(options.SecurityChannel!, cancellationToken);
        if (channel is null)
        {
            NotPosted(logger, alerts.Count, unlisted?.Code ?? "channel_not_found");
            return 0;
        }
        await pace.WaitAsync(channel, cancellationToken);
        var posted = await slack.PostMessageAsync(channel, SecurityMessage.Render(alerts), cancellationToken: cancellationToken);
        // Posted, perhaps: twice is worse than once here, too.
        if (!posted.Ok && posted.Error.Delivery != SlackDelivery.Unknown)
        {
            NotPosted(logger, alerts.Count, posted.Error.Code);
            return 0;
        }
        await posts.PostedAsync(alerts.Select(a => a.Id), CancellationToken.None);
        return alerts.Count;
    }

    [LoggerMessage(60, LogLevel.Warning, "{Count} security alerts could not be posted to Slack ({Reason}); they are in the audit trail, and posting is tried again. Is Slack:SecurityChannel right, and the app a member of it?")]
    private static partial void NotPosted(ILogger logger, int count, string reason);

    [LoggerMessage(61, LogLevel.Warning, "Security alerts could not be read ({Reason}); trying again")]
    private static partial void Unreadable(ILogger logger, string reason);
}
