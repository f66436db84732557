using IncidentFox.Core.Safety;
using IncidentFox.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Bot.Stopping;

/// <summary>Ends what is open where a stop is in force, at once when one is ordered and again every few seconds, and tells the channels.</summary>
internal sealed partial class StopLoop(StopEnforcement enforcement, StopAnnouncer announcer, DatabaseSignals signals, ILogger<StopLoop> logger)
    : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(3);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var woken = new SemaphoreSlim(0);
        using var subscription = signals.Subscribe("stop", _ =>
        {
            if (woken.CurrentCount == 0)
                woken.Release();
        });
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RoundAsync(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                Failed(logger, e.Message);
            }
            await ((Task)woken.WaitAsync(Every, stoppingToken)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Once: first the end, then the news.</summary>
    internal async Task RoundAsync(CancellationToken cancellationToken)
    {
        var ended = await enforcement.RunAsync(cancellationToken);
        if (ended != new Enforced(0, 0))
            Ended(logger, ended.Investigations, ended.Approvals);
        await announcer.TellAsync(cancellationToken);
    }

    [LoggerMessage(81, LogLevel.Warning, "A stop is in force: {Investigations} investigations ended, {Approvals} approvals cancelled")]
    private static partial void Ended(ILogger logger, int investigations, int approvals);

    [LoggerMessage(82, LogLevel.Error, "A stop could not be carried out or told ({Reason}); trying again")]
    private static partial void Failed(ILogger logger, string reason);
}
