using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using IncidentFox.Secrets.KeyVault;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace IncidentFox.TestKit.KeyVault;

/// <summary>
/// One Azure Key Vault on loopback, behind HTTPS and its challenge. Clients use the vault's real address: the handler of
/// <see cref="Connection"/> connects it to this server, trusts this server's certificate alone and reaches nothing else, so the
/// client's own checks (certificate name, challenge resource) stay on.
/// </summary>
public sealed class KeyVaultDouble : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly X509Certificate2 _certificate;
    private readonly ConcurrentQueue<KeyVaultRequest> _requests = new();
    private readonly ConcurrentQueue<KeyVaultFault> _faults = new();
    private readonly CancellationTokenSource _stop = new();
    private volatile TaskCompletionSource? _held;

    private KeyVaultDouble(string vault)
    {
        Vault = vault;
        Host = $"{vault}.vault.azure.net";
        Identity = new KeyVaultIdentity();
        Connection = new KeyVaultConnection { Credential = Identity, Handler = CreateHandler };
        _certificate = MakeCertificate(Host);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(_certificate)));
        _server = builder.Build();
        _server.Run(AnswerAsync);
    }

    /// <summary>The vault's name.</summary>
    public string Vault { get; }

    /// <summary>The host name under which clients reach it.</summary>
    public string Host { get; }

    /// <summary>The port on loopback.</summary>
    public int Port { get; private set; }

    /// <summary>What is in the vault.</summary>
    public KeyVaultContents Contents { get; } = new();

    /// <summary>The identity whose tokens the vault accepts.</summary>
    public KeyVaultIdentity Identity { get; }

    /// <summary>Register this before <c>AddSecrets</c> to make the product use this vault.</summary>
    public KeyVaultConnection Connection { get; }

    /// <summary>Whether the identity may get secrets.</summary>
    public bool GrantsGet { get; set; } = true;

    /// <summary>The resource that the challenge names; the real one unless a test wants a hostile vault.</summary>
    public string ChallengeResource { get; set; } = KeyVaultIdentity.Resource;

    /// <summary>Every request so far.</summary>
    public IReadOnlyList<KeyVaultRequest> Requests => [.. _requests];

    /// <summary>Requests that carried an accepted token, the challenge's first round not counted.</summary>
    public int Reads => _requests.Count(static r => r.Authenticated);

    public static async Task<KeyVaultDouble> StartAsync(string vault = "acme-prod", CancellationToken cancellationToken = default)
    {
        var vaultDouble = new KeyVaultDouble(vault);
        await vaultDouble._server.StartAsync(cancellationToken);
        vaultDouble.Port = new Uri(vaultDouble._server.Urls.Single()).Port;
        return vaultDouble;
    }

    /// <summary>The next <paramref name="times"/> authenticated requests end this way.</summary>
    public void Fail(KeyVaultFault fault, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            _faults.Enqueue(fault);
        }
    }

    /// <summary>Makes requests wait until what is returned is disposed.</summary>
    public IDisposable Hold()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _held = held;
        return new Release(() =>
        {
            _held = null;
            held.TrySetResult();
        });
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        var token = request.Headers.Authorization.ToString();
        var authenticated = token.StartsWith("Bearer ", StringComparison.Ordinal) && Identity.Accepts(token["Bearer ".Length..]);
        _requests.Enqueue(new KeyVaultRequest(request.Method, request.Path.Value ?? "", request.QueryString.Value ?? "", token.Length > 0, authenticated));
        if (_held is { } held)
        {
            await held.Task.WaitAsync(context.RequestAborted);
        }

        var answer = !request.Host.Host.Equals(Host, StringComparison.OrdinalIgnoreCase) ? KeyVaultAnswer.WrongHost
            : token.Length == 0 ? KeyVaultAnswer.NoToken
            : !authenticated ? KeyVaultAnswer.BadToken
            : _faults.TryDequeue(out var fault) ? await fault.ActAsync(context, _stop.Token)
            : !KeyVaultAnswer.IsSupported(request.Query["api-version"]) ? KeyVaultAnswer.BadApiVersion(request.Query["api-version"].ToString())
            : !GrantsGet ? KeyVaultAnswer.ForbiddenByPolicy(Vault)
            : Contents.Answer(request.Method, request.Path.Value ?? "", Host);
        if (answer.Status == 401)
        {
            context.Response.Headers.WWWAuthenticate = $"Bearer authorization=\"https://login.microsoftonline.com/{KeyVaultIdentity.Tenant}\", resource=\"{ChallengeResource}\"";
        }

        await answer.WriteAsync(context);
    }

    private SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        ConnectCallback = async (connect, cancellationToken) =>
        {
            if (connect.DnsEndPoint.Host != Host)
            {
                throw new HttpRequestException($"The Key Vault double serves {Host} only; a request for {connect.DnsEndPoint.Host} was refused.");
            }

            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
        SslOptions =
        {
            RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                certificate is not null
                && (errors & System.Net.Security.SslPolicyErrors.RemoteCertificateNameMismatch) == System.Net.Security.SslPolicyErrors.None
                && certificate.GetRawCertData().AsSpan().SequenceEqual(_certificate.RawData),
        },
    };

    private static X509Certificate2 MakeCertificate(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddHours(-1), now.AddDays(1));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _held?.TrySetResult();
        await _server.DisposeAsync();
        _certificate.Dispose();
        _stop.Dispose();
    }

    private sealed class Release(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}

/// <summary>A request that reached the vault.</summary>
public sealed record KeyVaultRequest(string Method, string Path, string Query, bool HadToken, bool Authenticated);
