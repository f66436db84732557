using System.Net;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using k8s;
using k8s.Autorest;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>Sandboxes as pods. A pod's name is its sandbox's, so that asking twice makes one; a pod that waits, caged, is taken first.</summary>
internal sealed class KubernetesSandboxDriver : ISandboxDriver, IAsyncDisposable
{
    // A busy or restarting API is waited for: the investigation has lost nothing yet.
    private static readonly TimeSpan KeepTrying = TimeSpan.FromSeconds(30);
    private readonly CancellationTokenSource _letGo = new();
    private readonly PodWorld _world;
    private readonly string _owner;

    public KubernetesSandboxDriver(IKubernetes client, KubernetesSandboxOptions options, ISandboxPods pods, string owner, TimeProvider time, ILogger logger)
    {
        var api = new PodApi(client, options, time);
        var watch = new PodWatch(api, time, logger);
        _owner = owner;
        _world = new(options, api, watch, new PodRemoval(api, watch, time, logger), pods, time, logger, _letGo.Token);
    }

    public string Name => "kubernetes";

    public bool SandboxesOutliveTheBot => true;

    internal PodWorld World => _world;

    /// <summary>Looks at the cluster and starts to watch. What is missing is said in one sentence; null when all is well.</summary>
    public async Task<string?> OpenAsync(CancellationToken ct)
    {
        var options = _world.Options;
        try
        {
            if (options.RuntimeClass.Length > 0 && !await _world.Api.HasRuntimeClassAsync(options.RuntimeClass, ct))
            {
                if (!options.AllowWithoutRuntimeClass)
                {
                    return $"The cluster has no RuntimeClass '{options.RuntimeClass}': sandboxes would share the nodes' kernel. Install gVisor on the nodes (manifests/base/runtime-class.yaml), "
                        + $"name another class in {KubernetesSandboxOptions.SectionName}:RuntimeClass, or, for tries only, set {KubernetesSandboxOptions.SectionName}:AllowWithoutRuntimeClass to true.";
                }

                _world.Logger.LogWarning("Sandboxes run WITHOUT A RUNTIME CLASS, because {Section}:AllowWithoutRuntimeClass is set. Never do this where it matters", KubernetesSandboxOptions.SectionName);
                options.RuntimeClass = "";
            }

            await _world.Api.ListAsync(ct);
        }
        catch (Exception failure) when (failure is HttpOperationException || PodApi.IsPassing(failure))
        {
            var why = failure is HttpOperationException refusal ? PodApi.MessageOf(refusal) : failure.Message;
            return $"The Kubernetes API refused or did not answer: {why} Check {KubernetesSandboxOptions.SectionName}:Kubeconfig and the bot's rights (manifests/base/bot-access.yaml).";
        }

        _world.Watch.Start();
        return null;
    }

    public async Task<SandboxStart> StartAsync(SandboxSpec spec, CancellationToken ct)
    {
        if (_world.Options.WarmPods > 0 && spec.Acts is null && await TakeWarmAsync(spec, ct) is { } warm)
        {
            return warm;
        }

        var (pod, fault) = await CreateAsync(SandboxPodBuilder.Cold(_world.Options, spec), ct);
        if (pod is null)
        {
            return new SandboxStart.Refused(fault!.Code, fault.Sentence);
        }

        try
        {
            await _world.Pods.RecordAsync(pod.Metadata.Uid, _world.Options.Namespace, pod.Metadata.Name, _world.Options.Image, spec.Id, _owner, ct);
        }
        catch
        {
            // Nobody would let it in: the gateway knows pods by their rows.
            await _world.Removal.RemoveAsync(pod.Metadata.Name, pod.Metadata.Uid, CancellationToken.None);
            throw;
        }

        return new SandboxStart.Started(new KubernetesSandbox(spec, pod.Metadata.Name, pod.Metadata.Uid, _world));
    }

    /// <summary>Nothing: pods outlive the bot on purpose. What is nobody's is removed by the reconciler, which alone knows whose each is.</summary>
    public Task<IReadOnlyList<SandboxId>> ReapAsync(CancellationToken ct) => Task.FromResult<IReadOnlyList<SandboxId>>([]);

    public async Task<ISandbox?> AdoptAsync(SandboxSpec spec, CancellationToken ct)
    {
        var row = await _world.Pods.OfSandboxAsync(spec.Id, ct);
        if (row?.State == SandboxPodState.Gone)
        {
            return null;
        }

        var name = row?.Name ?? SandboxPodBuilder.NameOf(spec.Id);
        var pod = await _world.Api.FindAsync(name, ct);
        if (pod is null || pod.Metadata.DeletionTimestamp is not null || (row is not null ? row.Uid != pod.Metadata.Uid : !IsOf(pod, spec.Id)))
        {
            return null;
        }

        // The bot that made it went before it could write that down.
        if (row is null)
        {
            await _world.Pods.RecordAsync(pod.Metadata.Uid, _world.Options.Namespace, name, _world.Options.Image, spec.Id, _owner, ct);
        }

        return new KubernetesSandbox(spec, name, pod.Metadata.Uid, _world);
    }

    public async ValueTask DisposeAsync()
    {
        await _letGo.CancelAsync();
        await _world.Watch.DisposeAsync();
    }

    private async Task<SandboxStart?> TakeWarmAsync(SandboxSpec spec, CancellationToken ct)
    {
        if (await _world.Pods.ClaimAsync(spec.Id, _world.Options.Namespace, _world.Options.Image, _owner, ct) is not { } claimed)
        {
            KubernetesMetrics.WarmMisses.Add(1);
            return null;
        }

        // A pod that died meanwhile ends its sandbox like any other that is lost: a sandbox never has a second pod.
        KubernetesMetrics.WarmClaims.Add(1);
        try
        {
            await _world.Api.LabelAsync(claimed.Name, spec.Id.ToString(), ct);
        }
        catch (Exception failure) when (failure is HttpOperationException || PodApi.IsPassing(failure))
        {
            _world.Logger.LogDebug(failure, "Pod {Pod} could not be labelled", claimed.Name);
        }

        return new SandboxStart.Started(new KubernetesSandbox(spec, claimed.Name, claimed.Uid, _world));
    }

    internal async Task<(V1Pod? Pod, SandboxFault? Fault)> CreateAsync(V1Pod pod, CancellationToken ct)
    {
        var since = _world.Time.GetTimestamp();
        for (var pause = TimeSpan.FromMilliseconds(250); ; pause *= 2)
        {
            string said;
            try
            {
                try
                {
                    return (await _world.Api.CreateAsync(pod, ct), null);
                }
                catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.Conflict)
                {
                    // An earlier try was carried out although its answer was lost; or the one of that name is on its way out, or a quota was being counted: again.
                    said = PodApi.MessageOf(e);
                    if (await _world.Api.FindAsync(pod.Metadata.Name, ct) is { Metadata.DeletionTimestamp: null } present)
                    {
                        return IsWhatWasAsked(present, pod) ? (present, null) : (null, SandboxFault.Refused(said));
                    }
                }
            }
            catch (HttpOperationException e) when (!PodApi.IsPassing(e))
            {
                var message = PodApi.MessageOf(e);
                return (null, e.Response.StatusCode switch
                {
                    HttpStatusCode.Unauthorized => SandboxFault.Unavailable(message),
                    HttpStatusCode.Forbidden when message.Contains("exceeded quota", StringComparison.Ordinal) => SandboxFault.Quota(message),
                    _ => SandboxFault.Refused(message),
                });
            }
            catch (Exception e) when (PodApi.IsPassing(e))
            {
                said = e is HttpOperationException http ? PodApi.MessageOf(http) : e.Message;
            }

            if (_world.Time.GetElapsedTime(since) + pause > KeepTrying)
            {
                return (null, SandboxFault.Unavailable(said));
            }

            await Task.Delay(pause, _world.Time, ct);
        }
    }

    private static bool IsWhatWasAsked(V1Pod present, V1Pod asked) =>
        asked.Metadata.Labels.All(label => present.Metadata.Labels?.TryGetValue(label.Key, out var value) is true && value == label.Value);

    private static bool IsOf(V1Pod pod, SandboxId sandbox) =>
        pod.Metadata.Labels?.TryGetValue(SandboxPodBuilder.SandboxLabel, out var label) is true && label == sandbox.ToString();
}
