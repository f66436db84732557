using System.Net;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace IncidentFox.Bot.Sandboxes.Conformance.Clusters;

/// <summary>What a run makes in a cluster, each said, and removed again in the opposite order, by its UID. What was there is left as it is.</summary>
internal sealed class MadeObjects(IKubernetes client, string run, Action<string> says)
{
    /// <summary>On everything that a run makes: after a crash, this finds it.</summary>
    public const string Label = "incidentfox.io/check";

    private static readonly TimeSpan NamespacePatience = TimeSpan.FromSeconds(90);
    private readonly Stack<(string What, Func<CancellationToken, Task> Remove)> made = [];

    public async Task NamespaceAsync(V1Namespace ns, CancellationToken ct)
    {
        var there = await client.CoreV1.CreateNamespaceAsync(Labelled(ns), fieldValidation: "Strict", cancellationToken: ct);
        Made($"Namespace {ns.Metadata.Name}", async stop =>
        {
            await client.CoreV1.DeleteNamespaceAsync(ns.Metadata.Name, How(there), cancellationToken: stop);
            await GoneAsync(ns.Metadata.Name, there.Metadata.Uid, stop);
        });
    }

    public async Task AccountAsync(V1ServiceAccount account, CancellationToken ct)
    {
        var (ns, name) = (account.Metadata.NamespaceProperty, account.Metadata.Name);
        var there = await client.CoreV1.CreateNamespacedServiceAccountAsync(Labelled(account), ns, fieldValidation: "Strict", cancellationToken: ct);
        Made($"ServiceAccount {name} in {ns}", stop => client.CoreV1.DeleteNamespacedServiceAccountAsync(name, ns, How(there), cancellationToken: stop));
    }

    public async Task PolicyAsync(V1NetworkPolicy policy, CancellationToken ct)
    {
        var (ns, name) = (policy.Metadata.NamespaceProperty, policy.Metadata.Name);
        var there = await client.NetworkingV1.CreateNamespacedNetworkPolicyAsync(Labelled(policy), ns, fieldValidation: "Strict", cancellationToken: ct);
        Made($"NetworkPolicy {name} in {ns}", stop => client.NetworkingV1.DeleteNamespacedNetworkPolicyAsync(name, ns, How(there), cancellationToken: stop));
    }

    public async Task ConfigMapAsync(V1ConfigMap map, CancellationToken ct)
    {
        var (ns, name) = (map.Metadata.NamespaceProperty, map.Metadata.Name);
        var there = await client.CoreV1.CreateNamespacedConfigMapAsync(Labelled(map), ns, fieldValidation: "Strict", cancellationToken: ct);
        Made($"ConfigMap {name} in {ns}", stop => client.CoreV1.DeleteNamespacedConfigMapAsync(name, ns, How(there), cancellationToken: stop));
    }

    /// <summary>Made, and counted: until it is, pods are refused.</summary>
    public async Task QuotaAsync(V1ResourceQuota quota, TimeProvider time, CancellationToken ct)
    {
        var (ns, name) = (quota.Metadata.NamespaceProperty, quota.Metadata.Name);
        await client.CoreV1.CreateNamespacedResourceQuotaAsync(Labelled(quota), ns, fieldValidation: "Strict", cancellationToken: ct);
        Made($"ResourceQuota {name} in {ns}", _ => Task.CompletedTask); // goes with its namespace, which is ours
        for (var tries = 0; tries < 40; tries++)
        {
            if ((await client.CoreV1.ReadNamespacedResourceQuotaAsync(name, ns, cancellationToken: ct)).Status?.Hard?.Count > 0)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(250), time, ct);
        }
    }

    /// <summary>Everything is tried; what could not be removed is said with the command that does it.</summary>
    public async Task RemoveAsync(CancellationToken ct)
    {
        while (made.TryPop(out var next))
        {
            try
            {
                await next.Remove(ct);
                says($"removed {next.What}");
            }
            catch (HttpOperationException gone) when (gone.Response.StatusCode == HttpStatusCode.NotFound)
            {
                says($"removed {next.What}");
            }
            catch (Exception failure) when (failure is HttpOperationException or HttpRequestException or IOException or TimeoutException or OperationCanceledException)
            {
                var why = failure is HttpOperationException refusal ? PodApi.MessageOf(refusal) : failure.Message;
                says($"NOT removed: {next.What} ({why}) Remove it with: kubectl delete {Kind(next.What)} -A -l {Label}={run}");
            }
        }
    }

    private static string Kind(string what) => what.Split(' ')[0].ToLowerInvariant();

    private static V1DeleteOptions How(IKubernetesObject<V1ObjectMeta> there) => new() { Preconditions = new V1Preconditions { Uid = there.Metadata.Uid } };

    private void Made(string what, Func<CancellationToken, Task> remove)
    {
        made.Push((what, remove));
        says($"made {what}");
    }

    private T Labelled<T>(T thing) where T : IKubernetesObject<V1ObjectMeta>
    {
        thing.Metadata.Labels = new Dictionary<string, string>(thing.Metadata.Labels ?? new Dictionary<string, string>()) { [Label] = run };
        return thing;
    }

    // A namespace goes when all that is in it has gone.
    private async Task GoneAsync(string name, string uid, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(NamespacePatience);
        while ((await client.CoreV1.ReadNamespaceAsync(name, cancellationToken: patience.Token)).Metadata.Uid == uid)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), patience.Token);
        }
    }
}
