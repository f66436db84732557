using System.Collections.Concurrent;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>
/// One watch of all pods of this installation. It goes on from the last version seen, and lists anew after an error or when that version is too old
/// (410, which comes as an event or as an answer). What it shows may be late, never invented: a pod that is not shown is asked for before it is taken for gone.
/// </summary>
internal sealed class PodWatch(PodApi api, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // A bookmark comes about once a minute: a stream that brings nothing for longer is dead, though nobody has closed it.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(90);
    private readonly ConcurrentDictionary<string, V1Pod> _pods = new();
    private readonly ConcurrentDictionary<string, Action> _waiting = new();
    private readonly CancellationTokenSource _end = new();
    private Task _work = Task.CompletedTask;

    public void Start() => _work = Task.Run(RunAsync);

    /// <summary>The pod as last seen; null when it is not known, or gone.</summary>
    public V1Pod? Find(string uid) => _pods.GetValueOrDefault(uid);

    /// <summary>Calls back at each change of the pod until disposed.</summary>
    public IDisposable Subscribe(string uid, Action changed)
    {
        _waiting[uid] = changed;
        return new Subscription(() => _waiting.TryRemove(KeyValuePair.Create(uid, changed)));
    }

    public async ValueTask DisposeAsync()
    {
        if (_end.IsCancellationRequested)
        {
            return;
        }

        await _end.CancelAsync();
        await _work;
    }

    private async Task RunAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                var version = await ListAsync();
                while (await FollowAsync(version) is { } next)
                {
                    version = next;
                    await Task.Delay(Pause, time, _end.Token); // a server that ends its streams at once is not asked without a pause
                }
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                logger.LogWarning("The watch of sandbox pods broke ({Reason}); listing anew in 1 s", failure.Message);
            }

            await Task.Delay(Pause, time, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<string> ListAsync()
    {
        var list = await api.ListAsync(_end.Token);
        var present = list.Items.ToDictionary(p => p.Metadata.Uid);
        foreach (var gone in _pods.Keys.Except(present.Keys).ToArray())
        {
            Forget(gone);
        }

        foreach (var (_, pod) in present)
        {
            See(pod);
        }

        return list.Metadata.ResourceVersion;
    }

    // The version to go on from when the server ended the stream in good order; null: list anew.
    private async Task<string?> FollowAsync(string version)
    {
        Exception? broken = null;
        using var silent = new CancellationTokenSource(Silence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_end.Token, silent.Token);
        await foreach (var (type, pod) in api.WatchAsync(version, e => broken = e, either.Token))
        {
            silent.CancelAfter(Silence);
            version = pod.Metadata?.ResourceVersion ?? version;
            if (type is WatchEventType.Added or WatchEventType.Modified)
            {
                See(pod);
            }
            else if (type == WatchEventType.Deleted)
            {
                Forget(pod.Metadata!.Uid);
            }
            else if (type == WatchEventType.Error)
            {
                return null;
            }

            if (broken is not null)
            {
                break;
            }
        }

        if (broken is not null)
        {
            logger.LogDebug(broken, "The watch of sandbox pods has to list anew");
        }

        return broken is null && !silent.IsCancellationRequested ? version : null;
    }

    private void See(V1Pod pod)
    {
        // Thousands of pods are kept: without what nobody reads of them.
        pod.Spec = null;
        pod.Metadata.ManagedFields = null;
        _pods[pod.Metadata.Uid] = pod;
        Tell(pod.Metadata.Uid);
    }

    private void Forget(string uid)
    {
        _pods.TryRemove(uid, out _);
        Tell(uid);
    }

    private void Tell(string uid)
    {
        if (_waiting.TryGetValue(uid, out var changed))
        {
            changed();
        }
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
