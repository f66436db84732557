using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using IncidentFox.Host.Tests.Kit;
using IncidentFox.Host.Tests.Manifests;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Host.Tests.Roles;

/// <summary>Bot and gateway as processes of their own, each with the settings of its role only.</summary>
internal static class RoleInstallation
{
    private static readonly string[] BotSections = ["Http", "Logging", "Slack", "Database", "Organization", "Secrets", "Sandbox"];
    private static readonly string[] GatewaySections = ["Logging", "Database", "Secrets", "Gateway"];

    public static ChildProcess StartBot(this Installation here) => here.StartAs("bot", "bot", BotSections, drop: ["Gateway", "GatewayPassword", "FrozenCallKey"]);

    public static ChildProcess StartGateway(this Installation here, string name) => here.StartAs(name, "gateway", GatewaySections, drop: ["Bot", "BotPassword"]);

    /// <summary>All that the manifests' base has, except what runs images.</summary>
    public static void Apply(this KubernetesCluster cluster)
    {
        foreach (var o in Rendered.Of(Rendered.Base).Where(o => (string?)o["kind"] is not "Deployment" and not "Job"))
            cluster.Create(o.DeepClone().AsObject());
    }

    /// <summary>Section <c>Sandbox</c>: pods of a cluster.</summary>
    public static JsonObject Pods(this Installation here, string kubeconfig) => new()
    {
        ["Kubernetes"] = new JsonObject
        {
            ["Image"] = "registry.example/incidentfox-agent:0.1.0",
            ["GatewayAddress"] = "10.96.0.40:8443",
            ["Kubeconfig"] = here.Secret("kubeconfig", kubeconfig)["file://".Length..],
        },
    };

    /// <summary>Section <c>Gateway:Pods</c>, with a certificate of its own.</summary>
    public static JsonObject Door(this Installation here, string kubeconfig)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=incidentfox-gateway", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("incidentfox-gateway");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddMinutes(-1), TimeProvider.System.GetUtcNow().AddHours(1));
        return new()
        {
            ["Enabled"] = true,
            ["CheckAddress"] = false,   // whoever plays the agent has no address in the cluster
            ["Url"] = $"https://127.0.0.1:{Free().Port}",
            ["Certificate"] = here.Secret("door-certificate", certificate.ExportCertificatePem()),
            ["Key"] = here.Secret("door-key", key.ExportPkcs8PrivateKeyPem()),
            ["Kubeconfig"] = here.Secret("gateway-kubeconfig", kubeconfig)["file://".Length..],
        };
    }

    public static async Task ReadyAsync(this ChildProcess process, Uri url)
    {
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = url };
        while (true)
        {
            Assert.False(process.HasExited, process.Tail);
            try
            {
                using var ready = await http.GetAsync("health/ready", TestContext.Current.CancellationToken);
                if (ready.StatusCode == HttpStatusCode.OK)
                    return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>A loopback address that nothing listens on now.</summary>
    public static Uri Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }

    private static ChildProcess StartAs(this Installation here, string name, string role, string[] sections, string[] drop)
    {
        var whole = here["Database"].DeepClone().AsObject();
        foreach (var key in drop)
            here["Database"].Remove(key);
        try
        {
            return here.Start(name, role, sections);
        }
        finally
        {
            here.Configuration["Database"] = whole;
        }
    }
}
