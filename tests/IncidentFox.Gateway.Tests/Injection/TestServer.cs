using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.Tests.Injection;

/// <summary>What came, body included.</summary>
internal sealed record Seen(string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body, string? ClientCertificate, string Connection)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Body);

    public string Header(string name) => Headers.GetValueOrDefault(name, "");

    /// <summary>A form, decoded as a server does it.</summary>
    public Dictionary<string, string> Form => Text.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=', 2)).ToDictionary(p => WebUtility.UrlDecode(p[0]), p => WebUtility.UrlDecode(p[1]));
}

internal sealed record Reply(int Status, string Body, string ContentType = "application/json")
{
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];
}

/// <summary>Kestrel on loopback: over plain HTTP, or over TLS with a certificate, where it may insist on one of the client's.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestServer(WebApplication app, Func<Seen, Task<Reply>> answer) => (_app, Answer) = (app, answer);

    public Func<Seen, Task<Reply>> Answer { get; set; }

    public ConcurrentQueue<Seen> Requests { get; } = new();

    public int Port { get; private set; }

    public static Task<TestServer> StartAsync(Func<Seen, Reply> answer, X509Certificate2? certificate = null, X509Certificate2? clientAuthority = null) =>
        StartAsync(seen => Task.FromResult(answer(seen)), certificate, clientAuthority);

    public static async Task<TestServer> StartAsync(Func<Seen, Task<Reply>> answer, X509Certificate2? certificate = null, X509Certificate2? clientAuthority = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is null)
                return;
            listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = certificate,
                ClientCertificateMode = clientAuthority is null ? ClientCertificateMode.NoCertificate : ClientCertificateMode.RequireCertificate,
                ClientCertificateValidation = (client, _, _) => IsFrom(client, clientAuthority!),
            });
        }));
        var server = new TestServer(builder.Build(), answer);
        server._app.Run(server.ServeAsync);
        await server._app.StartAsync();
        server.Port = new Uri(server._app.Urls.Single()).Port;
        return server;
    }

    private async Task ServeAsync(HttpContext http)
    {
        var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var target = http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
        var seen = new Seen(
            http.Request.Method, target, http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray(),
            http.Connection.ClientCertificate?.Thumbprint, http.Connection.Id);
        Requests.Enqueue(seen);
        var reply = await Answer(seen);
        http.Response.StatusCode = reply.Status;
        http.Response.ContentType = reply.ContentType;
        foreach (var (name, value) in reply.Headers)
            http.Response.Headers[name] = value;
        await http.Response.WriteAsync(reply.Body);
    }

    private static bool IsFrom(X509Certificate2 client, X509Certificate2 authority)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(client);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }
}
