using Dapper;
using IncidentFox.Bot.Cards;
using IncidentFox.Core.Safety;
using IncidentFox.Core.Storage;
using IncidentFox.Slack;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Stopping;

/// <summary>Tells the channels that a stop concerns, and the security channel, once.</summary>
internal sealed partial class StopAnnouncer(
    Database database, Stops stops, ISlackClient slack, ChannelDirectory channels, ChannelPace pace, SlackOptions options, ILogger<StopAnnouncer> logger)
{
    private const int MaxChannels = 50;

    public async Task TellAsync(CancellationToken cancellationToken)
    {
        foreach (var stop in await stops.TakeUntoldAsync(cancellationToken))
        {
            var told = 0;
            var targets = await ChannelsAsync(stop, cancellationToken);
            foreach (var channel in targets)
            {
                await pace.WaitAsync(channel, cancellationToken);
                var posted = await slack.PostMessageAsync(channel, StopWords.Announcement(stop), cancellationToken: cancellationToken);
                // Posted, perhaps: counts as told, because twice is worse than once.
                if (posted.Ok || posted.Error.Delivery == SlackDelivery.Unknown)
                    told++;
                else
                    NotTold(logger, channel, posted.Error.Code);
            }
            if (told == 0 && targets.Count > 0)
                await stops.NotToldAsync(stop, CancellationToken.None);
        }
    }

    private async Task<IReadOnlyList<string>> ChannelsAsync(Stop stop, CancellationToken ct)
    {
        await using var connection = await database.OpenAsync(ct);
        var found = (await connection.QueryAsync<string>(new CommandDefinition(
            "select channel_id from app.slack_channels where org_id = @Org and (@Team::text is null or team_id = @Team) order by channel_id limit @MaxChannels",
            new { Org = stop.Org.Value, Team = stop.Team?.Value, MaxChannels }, cancellationToken: ct))).AsList();
        if (options.SecurityChannel is { } security && (await channels.ResolveAsync(security, ct)).Id is { } id)
            found.Add(id);
        return [.. found.Distinct()];
    }

    [LoggerMessage(80, LogLevel.Warning, "Channel {Channel} could not be told of a stop ({Reason}). Is the app a member of it?")]
    private static partial void NotTold(ILogger logger, string channel, string reason);
}
