using IncidentFox.Bot.Inbound.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Bot.Inbound;

/// <summary>Forgets deliveries and refusal counts whose time is over.</summary>
internal sealed class DoorSweep(SlackLedger ledger, RefusalLog refusals, TimeProvider time, ILogger<DoorSweep> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ledger.SweepAsync(stoppingToken);
                await refusals.SweepAsync(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                logger.LogWarning("Old Slack deliveries could not be removed ({Reason}); trying again in a minute", e.Message);
            }
            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
