using k8s.Autorest;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>Deletes a pod with grace, sees to it that it is gone, and uses force when it is not.</summary>
internal sealed class PodRemoval(PodApi api, PodWatch watch, TimeProvider time, ILogger logger)
{
    private const int GraceSeconds = 2;
    private static readonly TimeSpan WithGrace = TimeSpan.FromSeconds(GraceSeconds + 5);
    private static readonly TimeSpan WithForce = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    /// <summary>True when it is gone. False when the API could not be made to do it: the reconciler comes back to it.</summary>
    public async Task<bool> RemoveAsync(string name, string uid, CancellationToken ct)
    {
        foreach (var (grace, limit) in ((int, TimeSpan)[])[(GraceSeconds, WithGrace), (0, WithForce)])
        {
            for (var since = time.GetTimestamp(); time.GetElapsedTime(since) < limit;)
            {
                try
                {
                    if (!await api.DeleteAsync(name, uid, grace, ct) || await IsGoneAsync(name, uid, since, limit, ct))
                    {
                        return true;
                    }
                }
                catch (Exception failure) when (PodApi.IsPassing(failure) || failure is HttpOperationException)
                {
                    logger.LogWarning("Pod {Pod} could not be deleted ({Reason})", name, failure.Message);
                }

                await Task.Delay(Look, time, ct);
            }
        }

        logger.LogError("Pod {Pod} is still there; the reconciler goes on deleting it", name);
        return false;
    }

    // The watch says when to look, the API whether it is so.
    private async Task<bool> IsGoneAsync(string name, string uid, long since, TimeSpan limit, CancellationToken ct)
    {
        while (watch.Find(uid) is not null && time.GetElapsedTime(since) < limit)
        {
            await Task.Delay(Look / 5, time, ct);
        }

        return (await api.FindAsync(name, ct))?.Metadata.Uid != uid;
    }
}
