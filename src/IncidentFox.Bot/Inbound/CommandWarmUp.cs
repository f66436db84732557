using IncidentFox.Bot.Inbound.Storage;
using IncidentFox.Core;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Slack;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Bot.Inbound;

/// <summary>
/// Goes the way of a command once before Slack does, so that the first person to ask does not wait for code to be compiled and connections to be opened.
/// It asks for help in nobody's name: that changes nothing and leaves nothing behind.
/// </summary>
internal sealed class CommandWarmUp(SlackLedger ledger, ISlackHandler handler, InvestigationStore investigations, TimeProvider time, ILogger<CommandWarmUp> logger) : IHostedService
{
    private const string Nobody = "warm-up";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var key = $"{Nobody}:{Guid.NewGuid():N}";
            await ledger.TryClaimAsync(key, Limit, either.Token);
            await ledger.IsClaimedAsync(key, either.Token);
            await handler.OnCommandAsync(Help(key), either.Token);
            var team = new Resource(new OrgId(Nobody), new TeamId(Nobody));
            await investigations.CurrentAsync(team, either.Token);
            await investigations.LatestAsync(team, 1, either.Token);
            await ledger.ReleaseAsync(key, either.Token);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The first command is slower then; whether the database works is for others to say.
            logger.LogWarning("The way of a command could not be warmed up: {Reason}", e.Message);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static SlashCommand Help(string trigger) => new()
    {
        Command = "/incidentfox",
        Text = "help",
        UserId = Nobody,
        UserName = Nobody,
        ChannelId = Nobody,
        ChannelName = Nobody,
        TeamId = Nobody,
        TriggerId = trigger,
    };
}
