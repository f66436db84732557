using System.Threading.Channels;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>
/// Cuts off what a pod has open the moment the bot lets go of it, by a signal of the database: sooner than the cluster tells of the deletion, and also when it
/// can't tell. A signal that is lost costs nothing but that, since every request reads the row.
/// </summary>
internal sealed class PodRelease(SandboxPodStore pods, PodRegister register, DatabaseSignals signals, ILogger<PodRelease> logger) : BackgroundService
{
    private readonly Channel<Guid> _changed = Channel.CreateBounded<Guid>(new BoundedChannelOptions(4_096) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var subscription = signals.Subscribe("sandbox_pod", uid =>
        {
            foreach (var changed in uid is { } one ? [one] : register.Open)
                _changed.Writer.TryWrite(changed);
        });
        try
        {
            await foreach (var uid in _changed.Reader.ReadAllAsync(stoppingToken))
                await LookAsync(uid.ToString(), stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    private async Task LookAsync(string uid, CancellationToken cancellationToken)
    {
        try
        {
            if (await pods.FindAsync(uid, cancellationToken) is { State: SandboxPodState.Gone })
                register.Forget(uid);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            logger.LogWarning("Whether the bot let go of pod {Uid} could not be read ({Reason})", uid, e.Message);
        }
    }
}
