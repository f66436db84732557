using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Secrets.Kubernetes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>
/// The pods of the sandboxes' namespace as they are, by a watch. A token outlives its pod by up to ten seconds in the API server's answers, so the door looks here,
/// and whatever a pod has open is cut off the moment it is deleted. While the watch is down, each pod is read by itself.
/// </summary>
internal sealed class PodRegister(KubernetesApi api, PodDoorOptions options, TimeProvider time, ILogger<PodRegister> logger) : BackgroundService
{
    private const int PageSize = 100;
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, LivePod> _pods = new();
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _ends = new();
    private volatile bool _isWatching;

    private string Path => $"api/v1/namespaces/{options.Namespace}/pods";

    /// <summary>The pod; null when there is none of this UID.</summary>
    /// <exception cref="IOException">The API server does not say.</exception>
    public async Task<LivePod?> FindAsync(string name, string uid, CancellationToken cancellationToken)
    {
        if (_isWatching && _pods.TryGetValue(uid, out var known))
            return known;
        // The watch is down, or the pod is newer than what it has told.
        var answer = await AskAsync($"{Path}/{Uri.EscapeDataString(name)}", cancellationToken);
        return answer.Status switch
        {
            200 => LivePod.Read(answer.Body) is { } pod && pod.Uid == uid ? pod : null,
            404 => null,
            _ => throw new IOException($"the API server does not show the pod: {answer}"),
        };
    }

    /// <summary>Cancelled when the pod is over. Ask before the pod is found to be alive, or an end in between is missed; <see cref="Forget"/> when it is not.</summary>
    public CancellationToken EndOf(string uid) => _ends.GetOrAdd(uid, _ => new CancellationTokenSource()).Token;

    /// <summary>The UIDs of pods that somebody waits for the end of.</summary>
    public IReadOnlyList<Guid> Open => [.. _ends.Keys.Select(uid => Guid.TryParse(uid, out var id) ? id : Guid.Empty).Where(id => id != Guid.Empty)];

    /// <summary>It is over.</summary>
    public void Forget(string uid) => End(uid, isGone: false);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var version = await ListAsync(stoppingToken);
                _isWatching = true;
                while (true)
                {
                    var since = time.GetTimestamp();
                    version = await WatchAsync(version, stoppingToken);
                    // A server that ends each watch at once is not asked as fast as it answers.
                    if (time.GetElapsedTime(since) < Pause)
                        await Task.Delay(Pause, time, stoppingToken);
                }
            }
            catch (Exception e) when (e is IOException or HttpRequestException or TimeoutException or JsonException or InvalidOperationException
                || (e is OperationCanceledException && !stoppingToken.IsCancellationRequested))
            {
                logger.LogWarning("The watch of the sandboxes' pods ended ({Reason}); listing them again", e.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            finally
            {
                _isWatching = false;
            }
            await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<string> ListAsync(CancellationToken cancellationToken)
    {
        var seen = new HashSet<string>();
        var next = "";
        string? version;
        do
        {
            var answer = await AskAsync($"{Path}?limit={PageSize}&continue={Uri.EscapeDataString(next)}", cancellationToken);
            if (answer.Status != 200 || answer.Body?["items"] is not JsonArray items)
                throw new IOException($"the pods can't be listed: {answer}");
            foreach (var pod in items.Select(LivePod.Read).OfType<LivePod>())
            {
                seen.Add(pod.Uid);
                Keep(pod);
            }
            next = answer.Body["metadata"]?["continue"]?.GetValue<string>() ?? "";
            version = answer.Body["metadata"]?["resourceVersion"]?.GetValue<string>();
        }
        while (next.Length > 0);
        foreach (var uid in _pods.Keys.Concat(_ends.Keys).Where(u => !seen.Contains(u)).Distinct())
            End(uid, isGone: true);
        return version ?? throw new IOException("a list of pods without a version");
    }

    // A server that says nothing would be waited for without end, and the watch would never come back.
    private async Task<KubernetesAnswer> AskAsync(string path, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            return await api.SendAsync(HttpMethod.Get, path, null, either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the API server did not answer within {Patience.TotalSeconds} s", e);
        }
    }

    private async Task<string> WatchAsync(string version, CancellationToken cancellationToken)
    {
        await foreach (var change in api.WatchAsync($"{Path}?watch=1&allowWatchBookmarks=true&timeoutSeconds=240&resourceVersion={Uri.EscapeDataString(version)}", Silence, cancellationToken))
        {
            var type = change["type"]?.GetValue<string>();
            var there = change["object"];
            if (type == "ERROR")
                throw new IOException($"the API server ended it: {there?["reason"]}");
            version = there?["metadata"]?["resourceVersion"]?.GetValue<string>() ?? version;
            if (type == "BOOKMARK" || LivePod.Read(there) is not { } pod)
                continue;
            if (type == "DELETED")
                End(pod.Uid, isGone: true);
            else
                Keep(pod);
        }
        return version;
    }

    private void Keep(LivePod pod)
    {
        _pods[pod.Uid] = pod;
        if (pod.IsOver)
            End(pod.Uid, isGone: false);
    }

    // Who comes after its end finds the pod over, or none; the source is not disposed, because somebody may be about to register with it.
    private void End(string uid, bool isGone)
    {
        if (isGone)
            _pods.TryRemove(uid, out _);
        if (_ends.TryRemove(uid, out var end))
            end.Cancel();
    }
}
