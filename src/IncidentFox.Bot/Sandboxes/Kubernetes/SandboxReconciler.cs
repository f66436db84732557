using IncidentFox.Core.Sandboxes;
using k8s.Autorest;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>
/// Brings pods and rows together: removes pods that are nobody's, over their time or of another image, writes down which are gone, and fills the pool
/// of waiting pods. A round may be run at any time by anybody; it changes nothing that is in order.
/// </summary>
internal sealed class SandboxReconciler(KubernetesSandboxDriver driver, string owner)
{
    /// <summary>How long something must look abandoned before it is: whoever is at it needs a moment between the API and the database.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan OverTime = TimeSpan.FromMinutes(1);
    private readonly PodWorld _world = driver.World;
    private readonly Dictionary<string, long> _abandoned = [];

    public async Task RoundAsync(CancellationToken ct)
    {
        // In this order: a pod is written down after it is made, so one without a row may only be new.
        var pods = (await _world.Api.ListAsync(ct)).Items.ToDictionary(p => p.Metadata.Uid);
        var rows = (await _world.Pods.PresentAsync(_world.Options.Namespace, ct)).ToDictionary(r => r.Uid);
        foreach (var over in _abandoned.Keys.Where(uid => !pods.ContainsKey(uid) && !rows.ContainsKey(uid)).ToArray())
        {
            _abandoned.Remove(over);
        }

        var waiting = new List<string>();
        foreach (var uid in pods.Keys.Union(rows.Keys).ToArray())
        {
            var (pod, row) = (pods.GetValueOrDefault(uid), rows.GetValueOrDefault(uid));
            var (reason, atOnce) = Judge(_world.Options, pod, row);
            if (reason is null)
            {
                _abandoned.Remove(uid);
                if (row!.Sandbox is null)
                {
                    waiting.Add(uid);
                }
            }
            else if (atOnce || IsAbandoned(uid))
            {
                await RemoveAsync(uid, pod, row, reason, ct);
            }
        }

        KubernetesMetrics.CountWarm(rows.Values.Count(r => r.State == SandboxPodState.Idle));
        foreach (var surplus in waiting.OrderBy(uid => rows[uid].CreatedAt).ThenBy(uid => uid, StringComparer.Ordinal).Skip(_world.Options.WarmPods))
        {
            await RemoveAsync(surplus, pods[surplus], rows[surplus], "not_needed", ct);
        }

        for (var missing = _world.Options.WarmPods - waiting.Count; missing > 0; missing--)
        {
            if (!await AddWarmAsync(ct))
            {
                break;
            }
        }
    }

    /// <summary>Why a pod, a row or both have to go, and whether that is beyond doubt; null when all is in order. Pure and total.</summary>
    internal static (string? Reason, bool AtOnce) Judge(KubernetesSandboxOptions options, V1Pod? pod, SandboxPod? row)
    {
        if (row is null)
        {
            return ("nobodys", false);
        }

        if (pod is null)
        {
            return ("gone", false);
        }

        var hard = options.Duration + options.LongestWait + OverTime;
        if (row.State == SandboxPodState.Claimed)
        {
            return !row.InUse ? ("orphan", false) : row.Age > hard + (row.Name.StartsWith("warm-", StringComparison.Ordinal) ? options.WarmLifetime : TimeSpan.Zero) ? ("over_time", true) : (null, false);
        }

        return row switch
        {
            _ when row.Image != options.Image => ("other_image", true),
            _ when pod.Status?.Phase is "Succeeded" or "Failed" || pod.Metadata.DeletionTimestamp is not null => ("ended", true),
            _ when PodReading.Of(pod) is PodReading.Silent => ("node_lost", false),
            _ when row.Age > options.WarmLifetime || options.WarmPods == 0 => ("not_needed", true),
            { State: SandboxPodState.Starting } when row.Age > options.StartWithin + options.CageWithin => ("not_caged", true),
            _ => (null, false),
        };
    }

    private bool IsAbandoned(string uid)
    {
        if (!_abandoned.TryGetValue(uid, out var since))
        {
            _abandoned[uid] = _world.Time.GetTimestamp();
            return false;
        }

        return _world.Time.GetElapsedTime(since) >= Patience;
    }

    private async Task RemoveAsync(string uid, V1Pod? pod, SandboxPod? row, string reason, CancellationToken ct)
    {
        // A waiting pod that was claimed a moment ago is somebody's now.
        if (row is not null && !await _world.Pods.GoneAsync(uid, unclaimedOnly: row.State != SandboxPodState.Claimed, ct))
        {
            return;
        }

        if (pod is null)
        {
            return;
        }

        _world.Logger.Log(reason is "not_caged" ? LogLevel.Error : LogLevel.Information, "Removing sandbox pod {Pod}: {Reason}", pod.Metadata.Name, reason);
        KubernetesMetrics.Removed.Add(1, new KeyValuePair<string, object?>("reason", reason));
        try
        {
            // Without waiting: the next round sees whether it is gone, and uses force when it is not.
            var force = pod.Metadata.DeletionTimestamp is { } until && _world.Time.GetUtcNow() > until.AddSeconds(5);
            await _world.Api.DeleteAsync(pod.Metadata.Name, uid, force ? 0 : 2, ct);
        }
        catch (Exception failure) when (failure is HttpOperationException || PodApi.IsPassing(failure))
        {
            _world.Logger.LogWarning("Pod {Pod} could not be deleted ({Reason}); the next round tries again", pod.Metadata.Name, failure.Message);
        }
    }

    private async Task<bool> AddWarmAsync(CancellationToken ct)
    {
        var (pod, fault) = await driver.CreateAsync(SandboxPodBuilder.Warm(_world.Options, Guid.NewGuid()), ct);
        if (pod is null)
        {
            _world.Logger.LogWarning("No waiting pod could be made: {Code} {Sentence}", fault!.Code, fault.Sentence);
            return false;
        }

        await _world.Pods.RecordAsync(pod.Metadata.Uid, _world.Options.Namespace, pod.Metadata.Name, _world.Options.Image, null, owner, ct);
        return true;
    }
}
