using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace IncidentFox.Agent.Tests.Serving;

/// <summary>An authority, and certificates of it.</summary>
internal sealed class Authority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    public Authority()
    {
        var request = new CertificateRequest("CN=authority " + Guid.NewGuid(), _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        _certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-9), TimeProvider.System.GetUtcNow().AddDays(9));
    }

    public string Pem => _certificate.ExportCertificatePem();

    public X509Certificate2 Issue(string name = "incidentfox-gateway", int fromDays = -2, int toDays = 2)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var bare = request.Create(_certificate, now.AddDays(fromDays), now.AddDays(toDays), RandomNumberGenerator.GetBytes(8));
        return bare.CopyWithPrivateKey(key);
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }
}

/// <summary>Kestrel with a certificate, in front of a <see cref="FakeGateway"/>: what was decrypted goes on to its socket as it came.</summary>
internal sealed class TlsFront : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TlsFront(X509Certificate2 certificate, string socket, SslProtocols protocols)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = certificate, SslProtocols = protocols });
            listen.Use(_ => connection => PassOnAsync(connection, socket));
        }));
        _app = builder.Build();
    }

    public IPEndPoint Address => IPEndPoint.Parse(new Uri(_app.Urls.Single()).Authority);

    public static async Task<TlsFront> StartAsync(X509Certificate2 certificate, FakeGateway gateway, SslProtocols protocols = SslProtocols.Tls13)
    {
        var front = new TlsFront(certificate, gateway.SocketPath, protocols);
        await front._app.StartAsync();
        return front;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private static async Task PassOnAsync(ConnectionContext connection, string socket)
    {
        using var gateway = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await gateway.ConnectAsync(new UnixDomainSocketEndPoint(socket));
        await using var stream = new NetworkStream(gateway, ownsSocket: false);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        await Task.WhenAny(PumpAsync(connection.Transport.Input.AsStream(), stream, over.Token), PumpAsync(stream, connection.Transport.Output.AsStream(), over.Token));
        await over.CancelAsync();
    }

    private static async Task PumpAsync(Stream from, Stream to, CancellationToken ct)
    {
        try
        {
            await from.CopyToAsync(to, ct);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection is over.
        }
    }
}
