using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using IncidentFox.Gateway.Injection.Certificates;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Sending;

/// <summary>Makes the handlers that requests go through: everything a handler would do by itself is off.</summary>
internal static class UpstreamHandler
{
    /// <summary>For reads: connections are kept and shared.</summary>
    public static SocketsHttpHandler Shared(Integration integration, TlsIdentity? identity, IHostResolver resolver)
    {
        var handler = Create(integration, identity, new UpstreamConnector(integration, resolver).ConnectAsync);
        // How many at once is the integration's limit, which whoever sends has passed: nobody waits here a second time.
        handler.PooledConnectionLifetime = TimeSpan.FromMinutes(5);   // names and addresses are judged again
        handler.PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1);
        return handler;
    }

    /// <summary>
    /// For one write: a connection of its own, and only one. When a connection ends without an answer and the request has no body, the
    /// framework sends it up to three times more; a write may have run by then. Here there is no second connection to send it on.
    /// </summary>
    public static SocketsHttpHandler ForOneWrite(Integration integration, TlsIdentity? identity, IHostResolver resolver, WriteMark mark)
    {
        var connector = new UpstreamConnector(integration, resolver);
        var handler = Create(integration, identity, (context, cancellationToken) => mark.MayHaveReached
            ? throw new IOException("A write is sent on one connection only.")
            : connector.ConnectAsync(context, cancellationToken));
        handler.MaxConnectionsPerServer = 1;
        handler.PooledConnectionLifetime = TimeSpan.Zero;
        handler.PlaintextStreamFilter = (context, _) =>
        {
            mark.Reached();
            return new ValueTask<Stream>(context.PlaintextStream);
        };
        return handler;
    }

    private static SocketsHttpHandler Create(Integration integration, TlsIdentity? identity, Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> connect)
    {
        var tls = new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = integration.Network.MinTls == MinTls.Tls13 ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = Trust(integration.Network.CaFile, identity?.Authorities),
            ClientCertificateContext = identity?.Certificate,
            AllowTlsResume = identity is null,   // whoever is somebody in particular says so in every handshake
        };
        if (integration.Network.ServerName is { } name && integration.BaseUrl.Scheme == Uri.UriSchemeHttps)
            connect = UnderName(name, tls, connect);
        return Create(integration, tls, connect);
    }

    // The framework always asks for the host it connects to: with another name, TLS is spoken before it gets the connection.
    private static Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> UnderName(
        string name, SslClientAuthenticationOptions tls, Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> connect) => async (context, cancellationToken) =>
        {
            tls.TargetHost = name;
            var stream = new SslStream(await connect(context, cancellationToken));
            try
            {
                await stream.AuthenticateAsClientAsync(tls, cancellationToken);
                return stream;
            }
            catch
            {
                await stream.DisposeAsync();
                throw;
            }
        };

    private static SocketsHttpHandler Create(
        Integration integration, SslClientAuthenticationOptions tls, Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> connect) => new()
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = System.Net.DecompressionMethods.None,
            Credentials = null,
            PreAuthenticate = false,
            ActivityHeadersPropagator = null,      // our trace ids are nobody else's business
            ConnectCallback = connect,
            ConnectTimeout = integration.Limits.ConnectTimeout,
            MaxResponseHeadersLength = 32,         // KiB
            MaxResponseDrainSize = 0,              // a body that nobody wants ends its connection
            SslOptions = tls,
        };

    // A certificate names addresses to fetch issuers and revocation lists from: they would be asked without any address policy, so they are not.
    private static X509ChainPolicy Trust(string? caFile, X509Certificate2Collection? authorities)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));   // server authentication
        if (caFile is null && authorities is null)
            return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        if (caFile is not null)
            policy.CustomTrustStore.ImportFromPemFile(caFile);
        else
            policy.CustomTrustStore.AddRange(authorities!);
        return policy.CustomTrustStore.Count > 0 ? policy : throw new CryptographicException("The file has no certificate.");
    }
}

/// <summary>Whether a write may have reached its target: true from the moment a connection (TLS included) stands for it.</summary>
internal sealed class WriteMark
{
    private volatile bool _reached;

    public bool MayHaveReached => _reached;

    public void Reached() => _reached = true;
}
