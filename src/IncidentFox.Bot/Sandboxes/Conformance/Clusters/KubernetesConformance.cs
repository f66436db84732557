using System.Net;
using System.Net.Sockets;
using System.Runtime.Serialization;
using System.Text.Json;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using k8s;
using k8s.Autorest;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Conformance.Clusters;

/// <summary>The suite on a cluster: makes what it needs there, and removes what it made.</summary>
public sealed class KubernetesConformance : IAsyncDisposable
{
    /// <summary>On a double of a cluster: the checks, comma-separated, that its RuntimeClass only plays. A real cluster has no such thing; it could only make results worse.</summary>
    public const string SimulatesAnnotation = "incidentfox.io/simulates";

    private static readonly TimeSpan RemoveWithin = TimeSpan.FromMinutes(2);
    private readonly ClusterToCheck cluster;
    private readonly Action<string> says;
    private readonly IKubernetes client;
    private readonly string run = Guid.NewGuid().ToString("N")[..8];
    private readonly KubernetesSandboxOptions options;
    private readonly MadeObjects made;
    private readonly Stack<IAsyncDisposable> open = [];
    private IConformanceSite? site;
    private ThrowAwayAuthority? authority;

    private KubernetesConformance(ClusterToCheck cluster, Action<string> says)
    {
        (this.cluster, this.says) = (cluster, says);
        options = new KubernetesSandboxOptions
        {
            Kubeconfig = cluster.Kubeconfig,
            Namespace = cluster.Namespace,
            Installation = $"check-{run}",
            RuntimeClass = cluster.RuntimeClass,
            Image = cluster.Image ?? ClusterToCheck.DefaultImage,
            GatewayAddress = cluster.Gateway ?? "127.0.0.1:1", // until its own listens
            Duration = TimeSpan.FromMinutes(2),
            LongestWait = TimeSpan.FromSeconds(10),
            CageWithin = TimeSpan.FromMinutes(10), // the suite looks at the cage itself
            MemoryBytes = 256L * 1024 * 1024,
            Processors = 0.5,
            ScratchBytes = 16L * 1024 * 1024,
        };
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new CannotCheckException(Plain(string.Join(' ', errors)));
        }

        try
        {
            client = ClusterAccess.Open(options);
        }
        catch (Exception failure) when (failure is not (OutOfMemoryException or StackOverflowException))
        {
            // The library throws whatever its YAML, its certificates and its base64 throw.
            throw new CannotCheckException($"{cluster.Kubeconfig} can't be used as a kubeconfig: {Plain(failure.Message.Split('\n')[0])}", failure);
        }

        made = new(client, run, says);
    }

    /// <summary>To be run once.</summary>
    public ConformanceSuite Suite => new(site!);

    /// <summary>These checks alone, by name; none for all.</summary>
    internal ConformanceSuite Only(params IReadOnlyList<string> checks) => new(site!, checks.Count == 0 ? null : checks);

    /// <param name="cluster">Which, and how.</param>
    /// <param name="says">Is told each object that is made or removed, and what else a person should know.</param>
    /// <exception cref="CannotCheckException">It can't be checked; nothing that was made is left.</exception>
    public static Task<KubernetesConformance> OpenAsync(ClusterToCheck cluster, Action<string> says, TimeProvider time, ILogger logger, CancellationToken ct) =>
        OpenAsync(cluster, says, judge => judge, time, logger, ct);

    /// <param name="judging">Takes the place of who judges tokens, for tests of what a bad judge makes of the checks.</param>
    internal static async Task<KubernetesConformance> OpenAsync(ClusterToCheck cluster, Action<string> says, Func<IPodJudge, IPodJudge> judging, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        var conformance = new KubernetesConformance(cluster, says);
        try
        {
            await conformance.OpenAsync(judging, time, logger, ct);
            return conformance;
        }
        catch (Exception failure)
        {
            await conformance.DisposeAsync();
            if (Why(failure, ct) is { } why)
            {
                throw new CannotCheckException(why, failure);
            }

            throw;
        }
    }

    /// <summary>What a failure in the middle of a run says of the cluster; null when it says nothing.</summary>
    public static string? Why(Exception failure, CancellationToken ct) => failure switch
    {
        HttpOperationException refusal => $"The Kubernetes API refused: {PodApi.MessageOf(refusal)}",
        HttpRequestException or IOException or TimeoutException => $"The Kubernetes API did not answer: {failure.InnerException?.Message ?? failure.Message}",
        OperationCanceledException when !ct.IsCancellationRequested => "The Kubernetes API did not answer in time.",
        JsonException or SerializationException or KubernetesException or NotSupportedException => "The Kubernetes API did not answer as one: is that server an API server?",
        _ => null,
    };

    /// <summary>Ends what runs, removes what was made. Nothing stops this but two minutes.</summary>
    public async ValueTask DisposeAsync()
    {
        while (open.TryPop(out var next))
        {
            await next.DisposeAsync();
        }

        using var patience = new CancellationTokenSource(RemoveWithin);
        await made.RemoveAsync(patience.Token);
        client.Dispose();
    }

    private async Task OpenAsync(Func<IPodJudge, IPodJudge> judging, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        var runtimeClass = await FindAsync(() => client.NodeV1.ReadRuntimeClassAsync(options.RuntimeClass, cancellationToken: ct));
        var ns = await FindAsync(() => client.CoreV1.ReadNamespaceAsync(options.Namespace, cancellationToken: ct));
        var account = ns is null ? null : await FindAsync(() => client.CoreV1.ReadNamespacedServiceAccountAsync(options.ServiceAccount, options.Namespace, cancellationToken: ct));
        if (await new NeededRights(client, options.Namespace).MissingAsync(ns is null, account is null, ct) is { Count: > 0 } missing)
        {
            says("Rights are missing. Add these to what the kubeconfig's user may do, or take an administrator's:");
            foreach (var line in missing)
            {
                says(line);
            }

            throw new CannotCheckException("The kubeconfig's user may not do what the check needs; see above.");
        }

        if (runtimeClass is null)
        {
            throw new CannotCheckException($"The cluster has no RuntimeClass '{options.RuntimeClass}': sandboxes would share the nodes' kernel. Install gVisor on the nodes (manifests/base/runtime-class.yaml), or name the class it has with --runtime-class.");
        }

        options.Image = cluster.Image ?? await InstalledImageAsync(ct) ?? ClusterToCheck.DefaultImage;
        says($"checks image {options.Image}, RuntimeClass {options.RuntimeClass}");
        var rows = new PodsInMemory(time);
        var identity = judging(new PodJudge(client, options, rows));
        var (gateway, outOfReach) = await GatewayAsync(identity, time, ct);
        await MakeAsync(ns, account, gateway is null ? null : authority!, time, ct);
        var driver = new KubernetesSandboxDriver(client, options, rows, $"check-{run}", time, logger);
        open.Push(driver);
        if (await driver.OpenAsync(ct) is { } problem)
        {
            throw new CannotCheckException(problem);
        }

        site = new KubernetesSite(client, options, driver, identity, gateway, outOfReach, Simulates(runtimeClass), time);
    }

    private async Task<(CheckGateway? Gateway, IReadOnlyList<IPEndPoint> OutOfReach)> GatewayAsync(IPodJudge identity, TimeProvider time, CancellationToken ct)
    {
        var api = ((k8s.Kubernetes)client).BaseUri;
        var servers = (await OwnAddress.AddressesAsync(api, ct)).Where(a => !IPAddress.IsLoopback(a)).Select(a => new IPEndPoint(a, api.Port));
        if (cluster.Gateway is not null)
        {
            says($"uses the gateway at {options.GatewayAddress}");
            return (null, [.. servers]);
        }

        var listen = cluster.Listen is null ? new IPEndPoint(await OwnAddress.FindAsync(client, api, ct), 0)
            : IPEndPoint.TryParse(cluster.Listen, out var given) ? given
            : throw new CannotCheckException($"--listen: '{cluster.Listen}' is not ADDRESS or ADDRESS:PORT with an IP address of this machine.");
        authority = new(time);
        open.Push(new Disposing(authority));
        var gateway = await CheckGateway.StartAsync(listen, authority, identity.JudgeAsync, ct);
        open.Push(gateway);
        options.GatewayAddress = gateway.Address.ToString();
        says($"started a gateway at {options.GatewayAddress}");

        // A neighbour of the gateway's port, so that it is seen whether policies go by ports.
        var bait = new Bait(gateway.Address.Address);
        open.Push(new Disposing(bait));
        return (gateway, [.. bait.Addresses, .. servers]);
    }

    private async Task MakeAsync(V1Namespace? ns, V1ServiceAccount? account, ThrowAwayAuthority? own, TimeProvider time, CancellationToken ct)
    {
        if (ns is null)
        {
            await made.NamespaceAsync(Shipped.Namespace(options.Namespace), ct);
            await made.QuotaAsync(Shipped.Quota(options.Namespace), time, ct);
        }
        else if (ns.Metadata.Labels?.TryGetValue("pod-security.kubernetes.io/enforce", out var level) is not true || level != "restricted")
        {
            says($"note: namespace {options.Namespace} has no label pod-security.kubernetes.io/enforce=restricted; the manifests set it");
        }

        if (account is null)
        {
            await made.AccountAsync(Shipped.Account(options.Namespace), ct);
        }

        // Only for this run's pods where others may be at home; what is installed is what is checked.
        var selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { [SandboxPodBuilder.InstallationLabel] = options.Installation } };
        var name = $"incidentfox-check-{run}";
        if (await FindAsync(() => client.NetworkingV1.ReadNamespacedNetworkPolicyAsync("default-deny", options.Namespace, cancellationToken: ct)) is null)
        {
            var deny = Shipped.Deny(options.Namespace);
            deny.Metadata.Name = $"{name}-deny";
            deny.Spec.PodSelector = selector;
            await made.PolicyAsync(deny, ct);
        }
        else
        {
            says($"relies on NetworkPolicy default-deny in {options.Namespace}, which is there");
        }

        await made.PolicyAsync(ToTheGateway(name, selector), ct);
        if (own is not null)
        {
            options.GatewayAuthority = name;
            await made.ConfigMapAsync(
                new V1ConfigMap
                {
                    ApiVersion = "v1",
                    Kind = "ConfigMap",
                    Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = options.Namespace },
                    Data = new Dictionary<string, string> { ["ca.crt"] = own.Certificate.ExportCertificatePem() },
                },
                ct);
        }
    }

    private V1NetworkPolicy ToTheGateway(string name, V1LabelSelector selector)
    {
        var address = IPEndPoint.Parse(options.GatewayAddress);
        return new V1NetworkPolicy
        {
            ApiVersion = "networking.k8s.io/v1",
            Kind = "NetworkPolicy",
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = options.Namespace },
            Spec = new V1NetworkPolicySpec
            {
                PodSelector = selector,
                PolicyTypes = ["Egress"],
                Egress =
                [
                    new V1NetworkPolicyEgressRule
                    {
                        To = [new V1NetworkPolicyPeer { IpBlock = new V1IPBlock { Cidr = $"{address.Address}/{(address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)}" } }],
                        Ports = [new V1NetworkPolicyPort { Protocol = "TCP", Port = address.Port }],
                    },
                ],
            },
        };
    }

    // What the bot that is installed beside them starts.
    private async Task<string?> InstalledImageAsync(CancellationToken ct)
    {
        try
        {
            var bot = await FindAsync(() => client.AppsV1.ReadNamespacedDeploymentAsync("incidentfox-bot", "incidentfox", cancellationToken: ct));
            return bot?.Spec?.Template?.Spec?.Containers?.SelectMany(c => c.Env ?? []).FirstOrDefault(e => e.Name == "INCIDENTFOX__Sandbox__Kubernetes__Image")?.Value;
        }
        catch (HttpOperationException refusal) when (refusal.Response.StatusCode == HttpStatusCode.Forbidden)
        {
            return null;
        }
    }

    private static HashSet<string> Simulates(V1RuntimeClass runtimeClass) =>
        runtimeClass.Metadata.Annotations?.TryGetValue(SimulatesAnnotation, out var names) is true
            ? [.. names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)]
            : [];

    // Null when it is not there, or may not be looked at: the rights are gone through next.
    private static async Task<T?> FindAsync<T>(Func<Task<T>> read) where T : class
    {
        try
        {
            return await read();
        }
        catch (HttpOperationException e) when (e.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Forbidden)
        {
            return null;
        }
    }

    // Said of the options that the bot has; here they are the command's.
    private static string Plain(string message) => message
        .Replace($"{KubernetesSandboxOptions.SectionName}:Kubeconfig", "--kubeconfig", StringComparison.Ordinal)
        .Replace($"{KubernetesSandboxOptions.SectionName}:Namespace", "--namespace", StringComparison.Ordinal)
        .Replace($"{KubernetesSandboxOptions.SectionName}:Image", "--image", StringComparison.Ordinal)
        .Replace($"{KubernetesSandboxOptions.SectionName}:GatewayAddress", "--gateway", StringComparison.Ordinal)
        .Replace($"{KubernetesSandboxOptions.SectionName}:RuntimeClass", "--runtime-class", StringComparison.Ordinal);

    private sealed class Disposing(IDisposable what) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            what.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
