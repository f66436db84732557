using System.Net;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Core.Storage;
using IncidentFox.Secrets.Kubernetes;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>Put on every connection that came through the pods' door: from where.</summary>
internal sealed record PodConnection(IPAddress Address)
{
    public static IPAddress AddressOf(HttpContext http) => http.Features.Get<PodConnection>()!.Address;
}

/// <summary>The pods' door in the gateway: its parts, and its endpoint.</summary>
internal static class PodDoorModule
{
    private static readonly TimeSpan Handshake = TimeSpan.FromSeconds(5);

    public static void AddPodDoor(this IServiceCollection services, PodDoorOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(_ => new KubernetesApi(options.Kubeconfig));
        services.AddSingleton<PodCertificate>();
        services.AddHostedService(p => p.GetRequiredService<PodCertificate>());
        services.AddSingleton<PodRegister>();
        services.AddHostedService(p => p.GetRequiredService<PodRegister>());
        services.AddSingleton(p => new SandboxPodStore(p.GetRequiredService<Database>()));
        services.AddSingleton<TokenReviews>();
        services.AddSingleton<PodIdentity>();
        services.AddSingleton<PodThrottle>();
        services.AddSingleton<PodAlerts>();
        services.AddSingleton<CageWatch>();
        services.AddHostedService(p => p.GetRequiredService<CageWatch>());
        services.AddHostedService<PodRelease>();
        services.AddSingleton<PodDoor>();
    }

    /// <summary>Listens with TLS 1.3, HTTP/1.1 only.</summary>
    public static void ListenToPods(this KestrelServerOptions kestrel, PodDoorOptions options) =>
        kestrel.Listen(options.EndPoint, listen =>
        {
            var throttle = listen.ApplicationServices.GetRequiredService<PodThrottle>();
            var certificate = listen.ApplicationServices.GetRequiredService<PodCertificate>();
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection => OnConnectionAsync(connection, next, throttle));
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                HandshakeTimeout = Handshake,
                OnConnection = handshake => certificate.ForHandshakeAsync(handshake.CancellationToken),
            });
        });

    private static async Task OnConnectionAsync(ConnectionContext connection, ConnectionDelegate next, PodThrottle throttle)
    {
        if (connection.RemoteEndPoint is not IPEndPoint { Address: var from })
            return;
        var address = from.IsIPv4MappedToIPv6 ? from.MapToIPv4() : from;
        if (!throttle.TryConnect(address))
            return;
        try
        {
            connection.Features.Set(new PodConnection(address));
            await next(connection);
        }
        finally
        {
            throttle.Leave(address);
        }
    }
}
