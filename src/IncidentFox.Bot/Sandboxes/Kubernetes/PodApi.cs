using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>What is asked of the API: pods of one namespace and a runtime class. Every request is bounded in time; what is created is checked field by field.</summary>
internal sealed class PodApi(IKubernetes client, KubernetesSandboxOptions options, TimeProvider time)
{
    public static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(10);

    // A watch ends by itself after this; the next one goes on where it stopped.
    private const int WatchSeconds = 240;
    private const int MaxLogBytes = 256 * 1024;

    public Task<V1Pod> CreateAsync(V1Pod pod, CancellationToken ct) =>
        BoundedAsync(token => client.CoreV1.CreateNamespacedPodAsync(pod, options.Namespace, fieldValidation: "Strict", cancellationToken: token), ct);

    /// <summary>Null when there is none.</summary>
    public async Task<V1Pod?> FindAsync(string name, CancellationToken ct)
    {
        try
        {
            return await BoundedAsync(token => client.CoreV1.ReadNamespacedPodAsync(name, options.Namespace, cancellationToken: token), ct);
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>The pods of this installation.</summary>
    public Task<V1PodList> ListAsync(CancellationToken ct) =>
        BoundedAsync(token => client.CoreV1.ListNamespacedPodAsync(options.Namespace, labelSelector: SandboxPodBuilder.Selector(options), cancellationToken: token), ct);

    /// <summary>Their changes from a version on, until the server ends the stream.</summary>
    public IAsyncEnumerable<(WatchEventType Type, V1Pod Pod)> WatchAsync(string version, Action<Exception> onError, CancellationToken ct) =>
        client.CoreV1.WatchListNamespacedPodAsync(
            options.Namespace, allowWatchBookmarks: true, labelSelector: SandboxPodBuilder.Selector(options), resourceVersion: version,
            timeoutSeconds: WatchSeconds, onError: onError, cancellationToken: ct);

    /// <summary>The end of a stopped agent's log, as it is.</summary>
    public async Task<Stream> LogAsync(string name, CancellationToken ct) => await BoundedAsync(
        token => client.CoreV1.ReadNamespacedPodLogAsync(
            name, options.Namespace, container: SandboxPodBuilder.Container, limitBytes: MaxLogBytes, tailLines: 200, cancellationToken: token), ct);

    /// <summary>Deletes this very pod. False when it is gone already, or another has its name.</summary>
    public async Task<bool> DeleteAsync(string name, string uid, int graceSeconds, CancellationToken ct)
    {
        try
        {
            // In the body alone: what stands in the query is ignored as soon as there is a body.
            var how = new V1DeleteOptions { GracePeriodSeconds = graceSeconds, Preconditions = new V1Preconditions { Uid = uid } };
            await BoundedAsync(token => client.CoreV1.DeleteNamespacedPodAsync(name, options.Namespace, how, cancellationToken: token), ct);
            return true;
        }
        catch (HttpOperationException e) when (e.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            return false;
        }
    }

    /// <summary>Names the sandbox on a pod that waited for one, for those who look at the cluster.</summary>
    public Task LabelAsync(string name, string sandbox, CancellationToken ct) => BoundedAsync(
        token => client.CoreV1.PatchNamespacedPodAsync(
            new V1Patch(new V1Pod { Metadata = new V1ObjectMeta { Labels = new Dictionary<string, string> { [SandboxPodBuilder.SandboxLabel] = sandbox } } }, V1Patch.PatchType.MergePatch),
            name, options.Namespace, fieldValidation: "Strict", cancellationToken: token), ct);

    public async Task<bool> HasRuntimeClassAsync(string name, CancellationToken ct)
    {
        try
        {
            await BoundedAsync(token => client.NodeV1.ReadRuntimeClassAsync(name, cancellationToken: token), ct);
            return true;
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    /// <summary>Worth another try: the API is busy, broken or out of reach, and says nothing about the request.</summary>
    public static bool IsPassing(Exception failure) => failure switch
    {
        HttpOperationException http => http.Response.StatusCode is HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError,
        HttpRequestException or IOException or TimeoutException => true,
        _ => false,
    };

    /// <summary>What the API says of its refusal.</summary>
    public static string MessageOf(HttpOperationException failure)
    {
        try
        {
            return KubernetesJson.Deserialize<V1Status>(failure.Response.Content)?.Message ?? failure.Message;
        }
        catch (System.Text.Json.JsonException)
        {
            return failure.Message;
        }
    }

    private async Task<T> BoundedAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(CallLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return await call(either.Token);
        }
        catch (OperationCanceledException late) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException($"The Kubernetes API did not answer within {CallLimit.TotalSeconds:0} s.", late);
        }
    }
}
