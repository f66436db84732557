using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd.Kit;

/// <summary>Sandboxes are pods of the double's cluster, which really runs them: the agent as it ships, its policies enforced a moment late, as on a real one.</summary>
public sealed class PodInstallation : Installation
{
    public const string Namespace = "incidentfox-sandboxes";
    private const string Image = "incidentfox-agent:end-to-end";
    private KubernetesCluster? _cluster;

    public KubernetesCluster Cluster => _cluster!;

    public IReadOnlyList<JsonObject> Pods => Cluster.List("Pod", Namespace);

    public override async ValueTask InitializeAsync()
    {
        _cluster = await KubernetesCluster.StartAsync(
            new() { Https = true, RealPods = new() { Images = new Dictionary<string, string> { [Image] = Installed.Agent } } }, TestContext.Current.CancellationToken);
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }

    protected override StackOptions Options(StackOptions options)
    {
        var door = FreeEndPoint(Cluster.Kubelet!.HostAddress);
        var (authority, certificate, key) = Certificates();
        Prepare(door, authority);
        return options with
        {
            Configure = (configuration, files) =>
            {
                var kubeconfig = Path.Combine(files.RunDirectory, "kubeconfig");
                File.WriteAllText(kubeconfig, Cluster.Kubeconfig(Cluster.AdminToken, Namespace));
                configuration["Gateway"]!["Pods"] = new JsonObject
                {
                    ["Enabled"] = true,
                    ["Url"] = $"https://{door}",
                    ["Certificate"] = files.Secret("gateway-certificate", certificate),
                    ["Key"] = files.Secret("gateway-key", key),
                    ["Kubeconfig"] = kubeconfig,
                };
                configuration["Sandbox"]!["Kubernetes"] = new JsonObject { ["Image"] = Image, ["GatewayAddress"] = door.ToString(), ["Kubeconfig"] = kubeconfig };
            },
        };
    }

    // What an operator applies before the first sandbox: see manifests/base/sandboxes.yaml. The gateway is no pod here, so it is allowed by its address.
    private void Prepare(IPEndPoint door, string authority)
    {
        Create($$"""{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "{{Namespace}}", "labels": {"pod-security.kubernetes.io/enforce": "restricted"} } }""");
        Create("""{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "incidentfox-sandbox", "namespace": "incidentfox-sandboxes"}, "automountServiceAccountToken": false}""");
        Create("""{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "default-deny", "namespace": "incidentfox-sandboxes"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}""");
        Create($$"""
            {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "to-the-gateway", "namespace": "incidentfox-sandboxes"},
             "spec": {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "incidentfox-agent"} }, "policyTypes": ["Egress"],
              "egress": [{"to": [{"ipBlock": {"cidr": "{{door.Address}}/32"} }], "ports": [{"protocol": "TCP", "port": {{door.Port}} }]}]} }
            """);
        Cluster.Create(new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ConfigMap",
            ["metadata"] = new JsonObject { ["name"] = "incidentfox-gateway-ca", ["namespace"] = Namespace },
            ["data"] = new JsonObject { ["ca.crt"] = authority },
        });
    }

    private void Create(string manifest) => Cluster.Create((JsonObject)JsonNode.Parse(manifest)!);

    private static (string Authority, string Certificate, string Key) Certificates()
    {
        var now = TimeProvider.System.GetUtcNow();
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var root = new CertificateRequest("CN=end-to-end authority", authorityKey, HashAlgorithmName.SHA256);
        root.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        using var authority = root.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=incidentfox-gateway", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("incidentfox-gateway");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, now.AddHours(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return (authority.ExportCertificatePem(), certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static IPEndPoint FreeEndPoint(IPAddress address)
    {
        using var once = new TcpListener(address, 0);
        once.Start();
        return (IPEndPoint)once.LocalEndpoint;
    }
}
