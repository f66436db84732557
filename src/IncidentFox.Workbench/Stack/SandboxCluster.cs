using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Cluster.RealPods;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Workbench.Stack;

/// <summary>
/// The cluster that sandboxes are pods of, when they are: the Kubernetes double, whose node really runs the agent's pods behind the NetworkPolicies that the
/// manifests have. The gateway stands on this machine, where a pod reaches its door and nothing else.
/// </summary>
public sealed class SandboxCluster : IAsyncDisposable
{
    /// <summary>The sandboxes' namespace.</summary>
    public const string Namespace = "incidentfox-sandboxes";

    private const string Image = "registry.example/incidentfox-agent:0.1.0";

    private readonly string _certificate;
    private readonly string _key;

    private SandboxCluster(KubernetesCluster cluster, string certificate, string key)
    {
        (Cluster, _certificate, _key) = (cluster, certificate, key);
        var host = cluster.Kubelet!.HostAddress;
        Door = new IPEndPoint(host, FreePort.Find());
        HealthUrl = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://{host}:{FreePort.Find()}"));
    }

    /// <summary>The API server and its node.</summary>
    public KubernetesCluster Cluster { get; }

    /// <summary>Where the gateway's health is: an address that pods must not reach although it answers.</summary>
    public Uri HealthUrl { get; }

    private IPEndPoint Door { get; }

    /// <summary>Starts it.</summary>
    public static async Task<SandboxCluster> StartAsync(string agentPath, CancellationToken cancellationToken)
    {
        var cluster = await KubernetesCluster.StartAsync(
            new() { Https = true, RealPods = new RealPodOptions { Images = new Dictionary<string, string> { [Image] = agentPath } } }, cancellationToken);
        var (authority, certificate, key) = Certificates();
        var sandboxes = new SandboxCluster(cluster, certificate, key);
        cluster.Create(Object("v1", "Namespace", Namespace, """{"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"} } }""", ns: null));
        cluster.Create(Object("v1", "ServiceAccount", "incidentfox-sandbox", """{"automountServiceAccountToken": false}"""));
        cluster.Create(Object("v1", "ConfigMap", "incidentfox-gateway-ca", new JsonObject { ["data"] = new JsonObject { ["ca.crt"] = authority } }.ToJsonString()));
        cluster.Create(Object("networking.k8s.io/v1", "NetworkPolicy", "default-deny", """{"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} }"""));
        cluster.Create(Object("networking.k8s.io/v1", "NetworkPolicy", "to-the-gateway", $$"""
            {"spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [
              {"to": [{"ipBlock": {"cidr": "{{sandboxes.Door.Address}}/32"} }], "ports": [{"protocol": "TCP", "port": {{sandboxes.Door.Port}} }]}]} }
            """));
        return sandboxes;
    }

    /// <summary>The bot's section <c>Sandbox</c>.</summary>
    public JsonObject SandboxSection(StackFiles files, int warmPods) => new()
    {
        ["Kubernetes"] = new JsonObject
        {
            ["Image"] = Image,
            ["GatewayAddress"] = Door.ToString(),
            ["Kubeconfig"] = Kubeconfig(files),
            ["Probes"] = new JsonArray($"{HealthUrl.Host}:{HealthUrl.Port}"),
            ["WarmPods"] = warmPods,
        },
    };

    /// <summary>The gateway's section <c>Gateway:Pods</c>.</summary>
    public JsonObject DoorSection(StackFiles files) => new()
    {
        ["Enabled"] = true,
        ["Url"] = $"https://{Door}",
        ["Certificate"] = files.Secret("door-certificate", _certificate),
        ["Key"] = files.Secret("door-key", _key),
        ["Kubeconfig"] = Kubeconfig(files),
    };

    /// <inheritdoc />
    public ValueTask DisposeAsync() => Cluster.DisposeAsync();

    private string Kubeconfig(StackFiles files) => files.Secret("kubeconfig", Cluster.Kubeconfig(Cluster.AdminToken, Namespace))["file://".Length..];

    private static JsonObject Object(string version, string kind, string name, string more, string? ns = Namespace)
    {
        var o = JsonNode.Parse(more)!.AsObject();
        o["apiVersion"] = version;
        o["kind"] = kind;
        var metadata = o["metadata"] as JsonObject ?? [];
        metadata["name"] = name;
        if (ns is not null)
            metadata["namespace"] = ns;
        o["metadata"] = metadata;
        return o;
    }

    // As docs/operations.md makes them: an authority of the installation's own, and a certificate for the gateway's name.
    private static (string Authority, string Certificate, string Key) Certificates()
    {
        var now = TimeProvider.System.GetUtcNow();
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var above = new CertificateRequest("CN=incidentfox workbench authority", authorityKey, HashAlgorithmName.SHA256);
        above.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        using var authority = above.CreateSelfSigned(now.AddMinutes(-5), now.AddDays(2));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=incidentfox-gateway", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("incidentfox-gateway");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, now.AddMinutes(-4), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return (authority.ExportCertificatePem(), certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
