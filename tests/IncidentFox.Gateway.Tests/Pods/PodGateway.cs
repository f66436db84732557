using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Gateway.AgentDoor.Pods;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.Secrets;
using IncidentFox.TestKit;
using IncidentFox.Workbench.Estate.Cluster;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace IncidentFox.Gateway.Tests.Pods;

/// <summary>A real gateway with its door for pods over TLS, and a cluster whose API server it asks with the rights of its own account.</summary>
internal sealed class PodGateway : IAsyncDisposable
{
    public const string Ns = "incidentfox-sandboxes";
    public const string Audience = "incidentfox-gateway";

    private readonly DirectoryInfo _folder;
    private readonly X509Certificate2 _authority;

    private PodGateway(GatewayHost host, KubernetesCluster cluster, DirectoryInfo folder, X509Certificate2 authority, int port)
    {
        (Host, Cluster, _folder, _authority, Port) = (host, cluster, folder, authority, port);
        Pods = new SandboxPodStore(host.Database.Bot);
    }

    public GatewayHost Host { get; }
    public KubernetesCluster Cluster { get; }

    /// <summary>As the bot writes it.</summary>
    public SandboxPodStore Pods { get; }

    public int Port { get; }

    /// <param name="postgres">Where its database is made.</param>
    /// <param name="checkAddress">As the option. Pods have addresses of the loopback network, which a test can connect from.</param>
    /// <param name="clock">The cluster's.</param>
    /// <param name="cageWithin">As the option.</param>
    /// <param name="isGatewaysToo">The gateway goes by the cluster's clock.</param>
    public static async Task<PodGateway> StartAsync(TestPostgres postgres, bool checkAddress = false, TimeProvider? clock = null, int cageWithin = 20, bool isGatewaysToo = false)
    {
        var ct = TestContext.Current.CancellationToken;
        var cluster = await KubernetesCluster.StartAsync(new() { Https = true, PodAddress = n => $"127.0.7.{n}", TimeProvider = clock ?? TimeProvider.System }, ct);
        cluster.Create(Object("v1", "Namespace", Ns, ns: null));
        cluster.Create(Object("v1", "Namespace", "incidentfox", ns: null));
        cluster.Create(Object("v1", "ServiceAccount", "incidentfox-sandbox"));
        cluster.Create(Object("v1", "ServiceAccount", "incidentfox-gateway", ns: "incidentfox"));
        cluster.Create(Object("rbac.authorization.k8s.io/v1", "Role", "incidentfox-gateway", """{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get","list","watch"]}]}"""));
        cluster.Create(Object("rbac.authorization.k8s.io/v1", "RoleBinding", "incidentfox-gateway", Binding("Role")));
        cluster.Create(Object("rbac.authorization.k8s.io/v1", "ClusterRole", "incidentfox-gateway",
            """{"rules":[{"apiGroups":["authentication.k8s.io"],"resources":["tokenreviews"],"verbs":["create"]}]}""", ns: null));
        cluster.Create(Object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "incidentfox-gateway", Binding("ClusterRole"), ns: null));

        var folder = Directory.CreateTempSubdirectory("ifx-pods");
        var authority = Authority();
        Issue(folder, authority);
        var kubeconfig = Path.Combine(folder.FullName, "kubeconfig");
        await File.WriteAllTextAsync(kubeconfig, cluster.Kubeconfig(cluster.AccountToken("incidentfox", "incidentfox-gateway")), ct);
        var port = FreePort();
        var host = await GatewayHost.StartAsync(postgres,
            change: o => new GatewayOptions
            {
                IntegrationsPaths = o.IntegrationsPaths, RuntimeDirectory = o.RuntimeDirectory,
                Pods = new PodDoorOptions
                {
                    Enabled = true, Url = $"https://127.0.0.1:{port}", Certificate = $"file://{folder.FullName}/tls.crt", Key = $"file://{folder.FullName}/tls.key",
                    Kubeconfig = kubeconfig, CheckAddress = checkAddress, CageWithin = cageWithin,
                },
            },
            more: services =>
            {
                services.AddSecrets(new SecretsOptions { File = new() { Directories = [folder.FullName] } });
                if (isGatewaysToo)
                    services.AddSingleton(clock!);
            });
        return new PodGateway(host, cluster, folder, authority, port);
    }

    /// <summary>A new certificate of the same authority in the place of the one before, valid for the name.</summary>
    public static void Issue(DirectoryInfo folder, X509Certificate2 authority, string name = "incidentfox-gateway")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, authority.NotBefore.AddSeconds(1), authority.NotAfter.AddSeconds(-1), RandomNumberGenerator.GetBytes(8));
        Write(folder, "tls.crt", certificate.ExportCertificatePem());
        Write(folder, "tls.key", key.ExportPkcs8PrivateKeyPem());
    }

    public void Rotate(string name = Audience) => Issue(_folder, _authority, name);

    /// <summary>Something that is no certificate in the place of the one before.</summary>
    public void Spoil() => Write(_folder, "tls.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");

    /// <summary>A pod as the bot's driver makes one, running.</summary>
    /// <returns>Its UID.</returns>
    public async Task<string> RunAsync(string name, string ns = Ns, string account = "incidentfox-sandbox")
    {
        Cluster.Create(Object("v1", "Pod", name, $$$"""
            {"spec":{"serviceAccountName":"{{{account}}}","automountServiceAccountToken":false,"restartPolicy":"Never","containers":[{"name":"agent","image":"agent:1",
              "volumeMounts":[{"name":"identity","mountPath":"/var/run/incidentfox"}]}],
              "volumes":[{"name":"identity","projected":{"sources":[{"serviceAccountToken":{"audience":"{{{Audience}}}","expirationSeconds":600,"path":"token"}}]}}]}}
            """, ns));
        while ((string?)Cluster.Find("Pod", ns, name)?["status"]?["phase"] != "Running")
            await Task.Delay(10, TestContext.Current.CancellationToken);
        return (string)Cluster.Find("Pod", ns, name)!["metadata"]!["uid"]!;
    }

    /// <summary>The bot's row of it: a sandbox's, or of the warm pool.</summary>
    public Task RecordAsync(string uid, string name, SandboxId? sandbox) => Pods.RecordAsync(uid, Ns, name, "agent:1", sandbox, "bot-1", TestContext.Current.CancellationToken);

    public string TokenOf(string name, string ns = Ns) => Cluster.PodToken(ns, name, Audience) ?? throw new InvalidOperationException("the pod mounts no such token");

    /// <summary>A pod of a sandbox, running and on file.</summary>
    public async Task<TestPod> OpenAsync(string name = "sbx-1")
    {
        var (sandbox, investigation) = await Host.AskAsync();
        var uid = await RunAsync(name);
        await RecordAsync(uid, name, sandbox);
        return new(name, uid, TokenOf(name), AddressOf(name), sandbox, investigation);
    }

    /// <summary>One that has shown its cage.</summary>
    public async Task<TestPod> OpenCagedAsync(string name = "sbx-1")
    {
        var pod = await OpenAsync(name);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(pod.Token, "POST", Contracts.Protocol.HelloPath, Encoding.UTF8.GetBytes(TestSandbox.Hello()), pod.Address)).Status);
        return pod;
    }

    public IPAddress AddressOf(string name) => IPAddress.Parse((string)Cluster.Find("Pod", Ns, name)!["status"]!["podIP"]!);

    /// <summary>Asks for the task until it is refused.</summary>
    public async Task UntilRefusedAsync(string token)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await SendAsync(token, "GET", Contracts.Protocol.ToolsPath)).Body?["code"] is null)
            await Task.Delay(100, limit.Token);
    }

    /// <summary>How often the API server was asked whose a token is.</summary>
    public int Reviews => Cluster.Requests.Count(r => r.Path.EndsWith("/tokenreviews", StringComparison.Ordinal));

    public Task<IReadOnlyList<AuditEvent>> AlertsAsync() => Host.AuditAsync(type: AuditEventTypes.SecurityAlert);

    /// <summary>Byte for byte, as no HTTP library would let us. No answer (0) when the door hung up.</summary>
    public async Task<Answer> RawAsync(string bytes, IPAddress? from = null, SslProtocols protocols = SslProtocols.None)
    {
        var ct = TestContext.Current.CancellationToken;
        using var answer = new MemoryStream();
        await using var tls = await ConnectAsync(from, protocols);
        try
        {
            await tls.WriteAsync(Encoding.Latin1.GetBytes(bytes), ct);
            await tls.CopyToAsync(answer, ct);
        }
        catch (IOException)
        {
            // Cut off: what came before is the answer.
        }
        return Answer.Parse(answer.ToArray());
    }

    public async Task<SslStream> ConnectAsync(IPAddress? from = null, SslProtocols protocols = SslProtocols.None)
    {
        var ct = TestContext.Current.CancellationToken;
        var tls = new SslStream(new NetworkStream(await DialAsync(from, ct), ownsSocket: true));
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = Audience, EnabledSslProtocols = protocols, CertificateChainPolicy = Trust() }, ct);
            return tls;
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends as an agent would: TLS, the authority that it was given, the name that it was told.</summary>
    public async Task<(HttpStatusCode Status, JsonNode? Body)> SendAsync(string? token, string method, string path, byte[]? body = null, IPAddress? from = null)
    {
        using var http = Client(from);
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : new ByteArrayContent(body) };
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
    }

    public HttpClient Client(IPAddress? from = null) => new(new SocketsHttpHandler
    {
        SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trust() },
        ConnectCallback = async (_, ct) => new NetworkStream(await DialAsync(from, ct), ownsSocket: true),
    })
    { BaseAddress = new Uri("https://incidentfox-gateway") };

    private X509ChainPolicy Trust() => new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { _authority }, RevocationMode = X509RevocationMode.NoCheck };

    public async Task<Socket> DialAsync(IPAddress? from, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (from is not null)
            socket.Bind(new IPEndPoint(from, 0));
        await socket.ConnectAsync(IPAddress.Loopback, Port, ct);
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Cluster.DisposeAsync();
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    public static JsonObject Object(string version, string kind, string name, string more = "{}", string? ns = Ns)
    {
        var o = JsonNode.Parse(more)!.AsObject();
        o["apiVersion"] = version;
        o["kind"] = kind;
        o["metadata"] = new JsonObject { ["name"] = name };
        if (ns is not null)
            o["metadata"]!["namespace"] = ns;
        return o;
    }

    private static void Write(DirectoryInfo folder, string name, string text)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static string Binding(string kind) =>
        $$"""{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"{{kind}}","name":"incidentfox-gateway"},"subjects":[{"kind":"ServiceAccount","name":"incidentfox-gateway","namespace":"incidentfox"}]}""";

    private static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=incidentfox test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        return request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddMinutes(-5), TimeProvider.System.GetUtcNow().AddHours(1));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>A sandbox's pod.</summary>
internal sealed record TestPod(string Name, string Uid, string Token, IPAddress Address, SandboxId Sandbox, InvestigationId Investigation);

/// <summary>The real time, moved.</summary>
internal sealed class MovedTime : TimeProvider
{
    public TimeSpan By { get; set; }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + By;

    public override long GetTimestamp() => System.GetTimestamp() + (long)(By.TotalSeconds * TimestampFrequency);
}
