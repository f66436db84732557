using System.Collections.Concurrent;
using System.Net;
using IncidentFox.Core.Sandboxes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>
/// A pod whose hello shows no cage may be one whose network policies are not enforced yet (0.5 to 1.2 s were measured), so it may say hello again. One that has
/// still not shown a cage after <see cref="PodDoorOptions.CageWithin"/> is told to people, once. The bot ends it.
/// </summary>
internal sealed class CageWatch(PodDoorOptions options, SandboxPodStore pods, PodAlerts alerts, TimeProvider time, ILogger<CageWatch> logger) : BackgroundService
{
    private const int MaxWatched = 4_096;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan KeepTold = TimeSpan.FromHours(1);
    private static readonly PodRefusal Late = new(403, "not_caged", "The pod did not show in time that it is caged.", IsSuspicious: true);

    private readonly ConcurrentDictionary<string, Watched> _pods = new();

    /// <summary>It said hello, and showed no cage.</summary>
    public void Refused(string uid, IPAddress address)
    {
        if (_pods.Count < MaxWatched)
            _pods.TryAdd(uid, new(address, time.GetTimestamp()));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Look, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var (uid, watched) in _pods)
                await JudgeAsync(uid, watched, stoppingToken);
        }
    }

    private async Task JudgeAsync(string uid, Watched watched, CancellationToken cancellationToken)
    {
        var since = time.GetElapsedTime(watched.Since);
        if (watched.IsTold ? since < KeepTold : since < TimeSpan.FromSeconds(options.CageWithin))
            return;
        try
        {
            if (watched.IsTold || await pods.IsCagedAsync(uid, cancellationToken))
            {
                _pods.TryRemove(uid, out _);
                return;
            }
            await alerts.RefusedAsync(Late, await pods.FindAsync(uid, cancellationToken), watched.Address, Guid.CreateVersion7().ToString("N"));
            watched.IsTold = true;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            logger.LogWarning("Whether a pod is caged could not be read ({Reason}); looking again", e.Message);
        }
    }

    private sealed record Watched(IPAddress Address, long Since)
    {
        public bool IsTold { get; set; }
    }
}
