using System.Collections.Concurrent;
using System.Net;
using System.Text;
using IncidentFox.TestKit.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace IncidentFox.TestKit.Kubernetes;

/// <summary>The part of a Kubernetes API server that gives Secrets: TLS, bearer tokens and client certificates, RBAC by name.</summary>
public sealed class SecretApiDouble : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentDictionary<string, (Dictionary<string, byte[]> Data, int Version)> _secrets = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Func<HttpContext, Task>> _faults = new();
    private readonly ConcurrentQueue<string> _requests = new();
    private int _version = 100;

    private SecretApiDouble()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(https =>
        {
            https.ServerCertificate = Authority.Server;
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            https.ClientCertificateValidation = (certificate, _, _) => Authority.Issued(certificate);
        })));
        _server = builder.Build();
        _server.Run(AnswerAsync);
    }

    public TestAuthority Authority { get; } = new();

    public string Address => $"https://localhost:{new Uri(_server.Urls.Single()).Port}";

    /// <summary>The bearer token that is known; others are refused.</summary>
    public string Token { get; set; } = "sa-token-1";

    /// <summary>Who the known identities may not read: <c>{namespace}/{name}</c>.</summary>
    public HashSet<string> Forbidden { get; } = new(StringComparer.Ordinal);

    /// <summary>Paths, with how the caller showed who it is.</summary>
    public IReadOnlyList<string> Requests => [.. _requests];

    public static async Task<SecretApiDouble> StartAsync(CancellationToken cancellationToken = default)
    {
        var api = new SecretApiDouble();
        await api._server.StartAsync(cancellationToken);
        return api;
    }

    public void Set(string ns, string name, string key, string value) => Set(ns, name, key, Encoding.UTF8.GetBytes(value));

    public void Set(string ns, string name, string key, byte[] value) =>
        _secrets[$"{ns}/{name}"] = (new Dictionary<string, byte[]>(StringComparer.Ordinal) { [key] = value }, Interlocked.Increment(ref _version));

    public void Fail(Func<HttpContext, Task> fault) => _faults.Enqueue(fault);

    private async Task AnswerAsync(HttpContext context)
    {
        var authorization = context.Request.Headers.Authorization.ToString();
        var certificate = context.Connection.ClientCertificate;
        _requests.Enqueue($"{context.Request.Method} {context.Request.Path} {(certificate is not null ? "certificate" : authorization.Length > 0 ? "token" : "nothing")}");
        var parts = context.Request.Path.Value!.Split('/');
        if (certificate is null && authorization != "Bearer " + Token)
        {
            await StatusAsync(context, 401, "Unauthorized");
        }
        else if (_faults.TryDequeue(out var fault))
        {
            await fault(context);
        }
        else if (context.Request.Method != "GET" || parts is not ["", "api", "v1", "namespaces", _, "secrets", _])
        {
            await StatusAsync(context, 404, "the server could not find the requested resource");
        }
        else if (Forbidden.Contains($"{parts[4]}/{parts[6]}"))
        {
            await StatusAsync(context, 403, $"secrets \"{parts[6]}\" is forbidden: User \"system:serviceaccount:fox:gateway\" cannot get resource");
        }
        else if (!_secrets.TryGetValue($"{parts[4]}/{parts[6]}", out var secret))
        {
            await StatusAsync(context, 404, $"secrets \"{parts[6]}\" not found");
        }
        else
        {
            await context.Response.WriteAsJsonAsync(new
            {
                kind = "Secret",
                apiVersion = "v1",
                metadata = new { name = parts[6], @namespace = parts[4], resourceVersion = $"{secret.Version}" },
                data = secret.Data.ToDictionary(d => d.Key, d => Convert.ToBase64String(d.Value), StringComparer.Ordinal),
                type = "Opaque",
            });
        }
    }

    public static Task StatusAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { kind = "Status", apiVersion = "v1", status = "Failure", message, code = status });
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Authority.Dispose();
    }
}
