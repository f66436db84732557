using k8s;
using k8s.Autorest;
using k8s.LeaderElection;
using k8s.LeaderElection.ResourceLock;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>Of several bots one cleans up at a time: the holder of a Lease. When it goes, another follows within seconds.</summary>
internal sealed class ReconcilerLoop(IKubernetes client, SandboxReconciler reconciler, KubernetesSandboxOptions options, string owner, TimeProvider time, ILogger logger)
    : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LeadAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                logger.LogWarning("The Lease of the sandbox reconciler could not be held ({Reason})", failure.Message);
            }

            await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LeadAsync(CancellationToken stoppingToken)
    {
        using var led = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var rounds = Task.CompletedTask;
        using var elector = new LeaderElector(new LeaderElectionConfig(new LeaseLock(client, options.Namespace, $"incidentfox-reconciler-{options.Installation}", owner))
        {
            LeaseDuration = TimeSpan.FromSeconds(15),
            RenewDeadline = TimeSpan.FromSeconds(10),
            RetryPeriod = TimeSpan.FromSeconds(2),
        });
        elector.OnStartedLeading += () => rounds = Task.Run(() => RoundsAsync(led.Token), CancellationToken.None);
        elector.OnError += failure => logger.LogDebug(failure, "Asking for the Lease failed");
        try
        {
            await elector.RunUntilLeadershipLostAsync(led.Token);
        }
        finally
        {
            await led.CancelAsync();
            await rounds;
        }
    }

    private async Task RoundsAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await reconciler.RoundAsync(ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                var expected = failure is HttpOperationException or Npgsql.NpgsqlException || PodApi.IsPassing(failure);
                logger.Log(expected ? LogLevel.Warning : LogLevel.Error, failure, "A round of the sandbox reconciler failed; the next one is in {Seconds} s", Every.TotalSeconds);
            }

            await Task.Delay(Every, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
