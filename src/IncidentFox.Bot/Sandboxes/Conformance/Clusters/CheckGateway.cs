using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace IncidentFox.Bot.Sandboxes.Conformance.Clusters;

/// <summary>One try to be let in.</summary>
internal sealed record Knock(string Token, IPAddress From, TokenJudgement Judgement);

/// <summary>The gateway of one run: TLS 1.3, a certificate of the run's authority, and nothing behind it. It says hello to pods that it knows, and refuses everybody else.</summary>
internal sealed class CheckGateway : IAsyncDisposable
{
    private const int MostToken = 16 * 1024, MostKnocks = 1000;
    private readonly Lock gate = new();
    private readonly List<Knock> knocks = [];
    private readonly Func<string, IPAddress, CancellationToken, Task<TokenJudgement>> judge;
    private readonly ThrowAwayAuthority authority;
    private readonly WebApplication app;

    private CheckGateway(IPEndPoint listen, ThrowAwayAuthority authority, Func<string, IPAddress, CancellationToken, Task<TokenJudgement>> judge)
    {
        (this.authority, this.judge) = (authority, judge);
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 64;
            kestrel.Limits.MaxRequestBodySize = 256 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Listen(listen, endPoint => endPoint.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = authority.Gateway, SslProtocols = SslProtocols.Tls13 }));
        });
        app = builder.Build();
        app.Run(AnswerAsync);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; private set; } = null!;

    /// <exception cref="CannotCheckException">It can't listen there.</exception>
    public static async Task<CheckGateway> StartAsync(
        IPEndPoint listen, ThrowAwayAuthority authority, Func<string, IPAddress, CancellationToken, Task<TokenJudgement>> judge, CancellationToken ct)
    {
        var gateway = new CheckGateway(listen, authority, judge);
        try
        {
            await gateway.app.StartAsync(ct);
        }
        catch (Exception failure) when (failure is IOException or SocketException or AddressInUseException)
        {
            await gateway.DisposeAsync();
            throw new CannotCheckException($"This machine can't listen on {listen}: {failure.Message} Give an address of this machine with --listen.", failure);
        }

        gateway.Address = IPEndPoint.Parse(new Uri(gateway.app.Urls.Single()).Authority);
        return gateway;
    }

    /// <summary>The last try of a pod; null when it has not come yet.</summary>
    public Knock? LastOf(string uid)
    {
        lock (gate)
        {
            return knocks.FindLast(k => k.Judgement.Uid == uid);
        }
    }

    /// <summary>Shows a token from here, over the network.</summary>
    public async Task<HttpStatusCode> PresentAsync(string token, CancellationToken ct)
    {
        using var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, stop) =>
            {
                var socket = new Socket(Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(Address, stop);
                return new NetworkStream(socket, ownsSocket: true);
            },
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority.Certificate }, RevocationMode = X509RevocationMode.NoCheck },
            },
        };
        using var client = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"https://{ThrowAwayAuthority.GatewayName}/v1/agent/hello");
        request.Headers.Authorization = new("Bearer", token);
        using var response = await client.SendAsync(request, ct);
        return response.StatusCode;
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await app.StopAsync(patience.Token);
        await app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status401Unauthorized;
        if (http.Request.Headers.Authorization is not [{ } header] || !header.StartsWith("Bearer ", StringComparison.Ordinal) || header.Length > MostToken || http.Connection.RemoteIpAddress is not { } from)
        {
            return;
        }

        var token = header["Bearer ".Length..].Trim();
        var judgement = await judge(token, from.IsIPv4MappedToIPv6 ? from.MapToIPv4() : from, http.RequestAborted);
        lock (gate)
        {
            if (knocks.Count < MostKnocks)
            {
                knocks.Add(new(token, from, judgement));
            }
        }

        http.Response.StatusCode = judgement.Refusal is null ? StatusCodes.Status204NoContent : StatusCodes.Status403Forbidden;
    }
}
