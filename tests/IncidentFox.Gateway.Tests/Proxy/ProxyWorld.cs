using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.AgentDoor.Proxy;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace IncidentFox.Gateway.Tests.Proxy;

/// <summary>A gateway whose proxy door is open, three integrations behind it; what would be sent is taken down, unless a test gives it a real sender.</summary>
internal sealed class ProxyWorld : IAsyncDisposable
{
    public const string Kubernetes = """
        integration: kubernetes
        extends: kubernetes
        base_url: https://kube.test:6443
        auth: {read: "file:///etc/incidentfox/secrets/k8s-read", write: "file:///etc/incidentfox/secrets/k8s-write"}
        """;

    private const string Prometheus = """
        integration: prometheus
        extends: prometheus
        base_url: https://obs.test/prom
        auth: {read: "file:///etc/incidentfox/secrets/prom", username: incidentfox}
        """;

    private const string OtherTeams = """
        integration: alertmanager
        extends: alertmanager
        team: web
        base_url: https://alerts.test
        auth: {read: "file:///etc/incidentfox/secrets/am", username: incidentfox}
        """;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ifp");
    private GatewayHost? _host;

    private ProxyWorld()
    {
    }

    public GatewayHost Host => _host!;

    public string AuthorityFile => Path.Combine(_directory.FullName, "ca", "authority.pem");

    public static async Task<ProxyWorld> StartAsync(
        TestPostgres postgres, bool enabled = true, int handshakeSeconds = 10, IReadOnlyList<string>? files = null, Action<IServiceCollection>? more = null)
    {
        var world = new ProxyWorld();
        var folder = world._directory.CreateSubdirectory("i");
        foreach (var (file, i) in (files ?? [Kubernetes, Prometheus, OtherTeams]).Select((f, i) => (f, i)))
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, $"{i}.yaml"), file);
        world._host = await GatewayHost.StartAsync(postgres, change: o => new GatewayOptions
        {
            IntegrationsPaths = [folder.FullName], RuntimeDirectory = o.RuntimeDirectory, RequestsPerSecond = 1_000, ConcurrentRequests = 32,
            Proxy = new ProxyOptions { Enabled = enabled, CaDirectory = Path.Combine(world._directory.FullName, "ca"), HandshakeSeconds = handshakeSeconds },
        }, more: more);
        return world;
    }

    /// <summary>What stands next to the sandbox's socket.</summary>
    public static string CaFile(TestSandbox sandbox) => Path.Combine(Path.GetDirectoryName(sandbox.SocketPath)!, "ca.pem");

    /// <summary>Bytes, and everything that comes back until the other side is done.</summary>
    public static Task<Answer> ConnectAsync(TestSandbox sandbox, string authority, string after = "") =>
        sandbox.RawAsync($"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n{after}");

    /// <summary>A CONNECT that succeeds; the stream is inside it.</summary>
    public static async Task<NetworkStream> TunnelAsync(TestSandbox sandbox, string authority)
    {
        var ct = TestContext.Current.CancellationToken;
        var stream = new NetworkStream(await sandbox.ConnectAsync(), ownsSocket: true);
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n"), ct);
        var head = new byte[Encoding.Latin1.GetByteCount("HTTP/1.1 200 Connection established\r\n\r\n")];
        await stream.ReadExactlyAsync(head, ct);
        Assert.Equal("HTTP/1.1 200 Connection established\r\n\r\n", Encoding.Latin1.GetString(head));
        return stream;
    }

    /// <summary>A tunnel with TLS in it, ended by a client that believes ca.pem and nobody else.</summary>
    public static async Task<SslStream> SecureAsync(TestSandbox sandbox, string authority, string? serverName = null, SslApplicationProtocol? alpn = null)
    {
        var secure = new SslStream(await TunnelAsync(sandbox, authority));
        try
        {
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = serverName ?? authority[..authority.LastIndexOf(':')],
                ApplicationProtocols = [alpn ?? SslApplicationProtocol.Http11],
                CertificateChainPolicy = Trusting(sandbox),
            }, TestContext.Current.CancellationToken);
            return secure;
        }
        catch
        {
            await secure.DisposeAsync();
            throw;
        }
    }

    public static X509ChainPolicy Trusting(TestSandbox sandbox)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(CaFile(sandbox));
        return policy;
    }

    /// <summary>Bytes inside a tunnel, and everything that comes back.</summary>
    public static async Task<Answer> RawInsideAsync(TestSandbox sandbox, string authority, string bytes)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var secure = await SecureAsync(sandbox, authority);
        await secure.WriteAsync(Encoding.Latin1.GetBytes(bytes), ct);
        using var answer = new MemoryStream();
        try
        {
            await secure.CopyToAsync(answer, ct);
        }
        catch (IOException)
        {
            // Cut off: what came before is the answer.
        }
        return Answer.Parse(answer.ToArray());
    }

    public static Task<Answer> GetInsideAsync(TestSandbox sandbox, string authority, string target, string? host = null) =>
        RawInsideAsync(sandbox, authority, $"GET {target} HTTP/1.1\r\nHost: {host ?? authority}\r\nConnection: close\r\n\r\n");

    /// <summary>A client that knows nothing but its proxy; nothing is asked of names, and only ca.pem is believed.</summary>
    public static HttpClient Client(TestSandbox sandbox, TestRelay relay, Version version) => new(new SocketsHttpHandler
    {
        Proxy = new WebProxy(relay.Url),
        UseProxy = true,
        AllowAutoRedirect = false,
        SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trusting(sandbox) },
    })
    {
        DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = TimeSpan.FromSeconds(60),
    };

    /// <summary>The refusals of a sandbox, once there are as many as expected: those of tunnels are written after the client has gone.</summary>
    public async Task<IReadOnlyList<AuditEvent>> RefusedAsync(TestSandbox sandbox, int expected)
    {
        for (var i = 0; i < 400; i++)
        {
            var rows = await Host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRefused);
            if (rows.Count >= expected)
                return rows;
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
        throw new TimeoutException("The rows were not written.");
    }

    public async Task<string> RefusalCodeAsync(TestSandbox sandbox) => (string)Assert.Single(await RefusedAsync(sandbox, 1)).Details!["code"]!;

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}

/// <summary>What the agent's relay does, without a sandbox around it.</summary>
internal sealed class TestRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _running;

    public TestRelay(TestSandbox sandbox)
    {
        _listener.Start();
        Url = $"http://{_listener.LocalEndpoint}";
        _running = RunAsync(sandbox);
    }

    public string Url { get; }

    private async Task RunAsync(TestSandbox sandbox)
    {
        try
        {
            while (true)
                _ = PassAsync(await _listener.AcceptTcpClientAsync(), sandbox);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private static async Task PassAsync(TcpClient client, TestSandbox sandbox)
    {
        using (client)
        {
            try
            {
                await using var inside = client.GetStream();
                await using var gateway = new NetworkStream(await sandbox.ConnectAsync(), ownsSocket: true);
                await Task.WhenAny(inside.CopyToAsync(gateway), gateway.CopyToAsync(inside));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // One side left.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _running;
    }
}
