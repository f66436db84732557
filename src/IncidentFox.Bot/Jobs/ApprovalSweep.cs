using IncidentFox.Bot.Cards;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Bot.Jobs;

/// <summary>
/// Once a second: reminders and escalation whose jobs were lost, broken glass, and what Slack did not take. Writing down what is due does not wait for
/// Slack. Deadlines are swept by <see cref="Investigations.InvestigationSweep"/>.
/// </summary>
internal sealed class ApprovalSweep(ApprovalNoticeSender notices, TimeProvider time, ILogger<ApprovalSweep> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(RepeatAsync(notices.RecordAsync, stoppingToken), RepeatAsync(notices.PostAsync, stoppingToken));

    private async Task RepeatAsync(Func<CancellationToken, Task> step, CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await step(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it was, the next second tries again.
                logger.Log(e is NpgsqlException ? LogLevel.Warning : LogLevel.Error, e, "The sweep of approvals failed; trying again");
            }
            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
