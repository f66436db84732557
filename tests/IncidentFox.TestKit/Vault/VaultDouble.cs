using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using IncidentFox.TestKit.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace IncidentFox.TestKit.Vault;

/// <summary>
/// A HashiCorp Vault on loopback, over TLS with an authority of its own. Enforces what the real one does: tokens end with their lease
/// unless they are renewed, no renewal goes past their longest life, policies are by path, versions can be deleted and destroyed.
/// </summary>
public sealed class VaultDouble : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly TestAuthority _authority = new();
    private readonly ConcurrentQueue<VaultRequest> _requests = new();
    private readonly ConcurrentQueue<Func<HttpContext, Task>> _faults = new();

    private VaultDouble(TimeProvider time)
    {
        Tokens = new VaultTokens(time);
        Contents = new VaultContents(time);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(_authority.Server)));
        _server = builder.Build();
        _server.Run(AnswerAsync);
    }

    public string Address => $"https://localhost:{new Uri(_server.Urls.Single()).Port}";

    public string CaFile => _authority.CaFile;

    public VaultTokens Tokens { get; }

    public VaultContents Contents { get; }

    /// <summary>The namespace that everything is in; null for none.</summary>
    public string? Namespace { get; set; }

    public bool Sealed { get; set; }

    /// <summary>Sends callers to the active node, as a standby without request forwarding does.</summary>
    public bool Standby { get; set; }

    public IReadOnlyList<VaultRequest> Requests => [.. _requests];

    public int Count(string path) => _requests.Count(r => r.Path.Contains(path, StringComparison.Ordinal));

    public static async Task<VaultDouble> StartAsync(TimeProvider time, CancellationToken cancellationToken = default)
    {
        var vault = new VaultDouble(time);
        await vault._server.StartAsync(cancellationToken);
        return vault;
    }

    /// <summary>The next <paramref name="times"/> reads of secrets end this way.</summary>
    public void Fail(Func<HttpContext, Task> fault, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            _faults.Enqueue(fault);
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        var token = context.Request.Headers["X-Vault-Token"].ToString();
        _requests.Enqueue(new VaultRequest(context.Request.Method, path, token));
        if (Sealed)
        {
            await ErrorAsync(context, 503, "Vault is sealed");
        }
        else if (Standby)
        {
            context.Response.Headers.Location = "https://active.vault.internal" + path;
            context.Response.StatusCode = 307;
        }
        else if (context.Request.Headers["X-Vault-Request"] != "true")
        {
            await ErrorAsync(context, 412, "missing X-Vault-Request header");
        }
        else if (context.Request.Headers["X-Vault-Namespace"].ToString() != (Namespace ?? ""))
        {
            await ErrorAsync(context, 403, "permission denied");   // a token is good in its own namespace
        }
        else if (path.StartsWith("/v1/auth/", StringComparison.Ordinal))
        {
            using var body = context.Request.ContentLength > 0 ? await JsonDocument.ParseAsync(context.Request.Body) : null;
            var (status, answer) = Tokens.Answer(context.Request.Method, path["/v1/auth/".Length..], token, body?.RootElement);
            await WriteAsync(context, status, answer);
        }
        else if (!Tokens.MayRead(token, path["/v1/".Length..]))
        {
            await ErrorAsync(context, 403, "permission denied");
        }
        else if (_faults.TryDequeue(out var fault))
        {
            await fault(context);
        }
        else
        {
            var (status, answer) = Contents.Answer(path["/v1/".Length..]);
            await WriteAsync(context, status, answer);
        }
    }

    public static Task ErrorAsync(HttpContext context, int status, string error) => WriteAsync(context, status, new { errors = new[] { error } });

    private static Task WriteAsync(HttpContext context, int status, object answer)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(answer);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _authority.Dispose();
    }
}

/// <summary>A request that reached the Vault.</summary>
public sealed record VaultRequest(string Method, string Path, string Token);
