using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>Wires the proxy door: a look at each connection of the sandboxes' sockets, and a server behind it that ends TLS.</summary>
internal static class ProxyModule
{
    public static void AddProxyDoor(this IServiceCollection services, GatewayOptions options)
    {
        services.AddSingleton(options.Proxy);
        services.AddSingleton<ProxyTrail>();
        services.AddSingleton<TunnelQueue>();
        services.AddSingleton<ProxyDoor>();
        services.AddSingleton<ProxyEndpoint>();
        services.AddSingleton<LeafCertificates>();
        services.AddSingleton<AuthorityKeeper>();
        if (options.Proxy.Enabled)
            services.AddHostedService(p => p.GetRequiredService<AuthorityKeeper>());
    }

    /// <summary>Lets CONNECT through on the sandboxes' endpoint.</summary>
    public static void UseProxyDoor(this ListenOptions listen)
    {
        var door = listen.ApplicationServices.GetRequiredService<ProxyDoor>();
        listen.Use(next => connection => door.OnConnectionAsync(connection, next));
    }

    /// <summary>The server of what is inside tunnels.</summary>
    public static void ListenToTunnels(this KestrelServerOptions kestrel, GatewayOptions options)
    {
        kestrel.Limits.Http2.MaxStreamsPerConnection = options.ConcurrentRequests * 2;
        kestrel.Limits.Http2.MaxRequestHeaderFieldSize = 8 * 1024;
        kestrel.Limits.Http2.InitialConnectionWindowSize = 512 * 1024;
        kestrel.Limits.Http2.InitialStreamWindowSize = 256 * 1024;
        kestrel.Listen(new TunnelEndPoint(), listen =>
        {
            var leaves = listen.ApplicationServices.GetRequiredService<LeafCertificates>();
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                HandshakeTimeout = TimeSpan.FromSeconds(options.Proxy.HandshakeSeconds),
                OnConnection = handshake => ValueTask.FromResult(Authenticate(handshake, leaves)),
            });
            listen.Use(next => connection => OnSecuredAsync(connection, next, TimeSpan.FromSeconds(options.Proxy.HandshakeSeconds)));
        });
    }

    private static SslServerAuthenticationOptions Authenticate(TlsHandshakeCallbackContext handshake, LeafCertificates leaves)
    {
        var tunnel = handshake.Connection.Features.Get<Tunnel>() ?? throw new AuthenticationException("No tunnel.");
        if (!tunnel.IsNamedBy(handshake.ClientHelloInfo.ServerName))
        {
            tunnel.Problem = ("server_name_mismatch", "The name in the TLS handshake is not the one in the CONNECT.");
            throw new AuthenticationException(tunnel.Problem.Value.Sentence);
        }
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = leaves.For(tunnel.CertificateName),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            AllowRenegotiation = false,
            ClientCertificateRequired = false,
        };
    }

    // Whether anything is said at all: a client that connects and leaves has done nothing wrong, one that speaks something else has.
    private static async Task OnSecuredAsync(ConnectionContext connection, ConnectionDelegate next, TimeSpan atMost)
    {
        var tunnel = connection.Features.Get<Tunnel>()!;
        tunnel.IsSecure = true;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        limit.CancelAfter(atMost * 6);
        try
        {
            var read = await connection.Transport.Input.ReadAsync(limit.Token);
            tunnel.HasSpoken = read.Buffer.Length > 0;
            connection.Transport.Input.AdvanceTo(read.Buffer.Start);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return;   // said nothing
        }
        if (tunnel.HasSpoken)
            await next(connection);
    }
}
