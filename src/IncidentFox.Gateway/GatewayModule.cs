using IncidentFox.Contracts;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Admission;
using IncidentFox.Gateway.AgentDoor;
using IncidentFox.Gateway.AgentDoor.Endpoints;
using IncidentFox.Gateway.AgentDoor.Pods;
using IncidentFox.Gateway.AgentDoor.Proxy;
using IncidentFox.Gateway.AgentDoor.Sockets;
using IncidentFox.Gateway.AgentDoor.Storage;
using IncidentFox.Gateway.Alerts;
using IncidentFox.Gateway.Alerts.Storage;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Models;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Reload;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace IncidentFox.Gateway;

/// <summary>
/// Puts the gateway into a host: a web application of its own, whose only endpoint is the sandboxes' door. The host provides Core's types
/// (<c>Database</c> with the gateway's role, <c>AuditLog</c>, <c>SandboxSessions</c>, <c>ApprovalReader</c>, <c>ApprovalExecution</c>, <c>DatabaseSignals</c>,
/// <c>PolicySource</c>) and <c>AddSecrets</c>.
/// </summary>
public static class GatewayModule
{
    /// <summary>Adds the gateway. <see cref="ISandboxDoor"/> is what the local sandbox driver calls.</summary>
    /// <exception cref="OptionsValidationException">The options or the integrations have mistakes; the message names all of them.</exception>
    public static IServiceCollection AddGateway(this IServiceCollection services, GatewayOptions options, ModelCatalog? models = null)
    {
        var (catalog, errors) = options.Validate();
        if (catalog is null)
            throw new OptionsValidationException(GatewayOptions.SectionName, typeof(GatewayOptions), errors);
        services.TryAddSingleton(TimeProvider.System);
        services.AddLogging();
        services.AddSingleton(options);
        services.AddSingleton(new IntegrationSource(catalog));
        services.AddSingleton<IntegrationReload>();
        services.AddHostedService<IntegrationWatcher>();
        services.TryAddSingleton<ToolDirectory>();
        services.AddHostedService<ToolPublisher>();
        services.AddProxyDoor(options);
        AddDoor(services, options);
        if (options.Pods.Enabled)
            services.AddPodDoor(options.Pods);
        services.AddSingleton<Traffic>();
        services.AddSingleton<SandboxFacts>();
        services.AddSingleton<HelloEndpoint>();
        services.AddSingleton<TaskEndpoint>();
        services.AddSingleton<ToolListEndpoint>();
        services.AddSingleton<EventsEndpoint>();
        services.AddSingleton<ExecutionOutputs>();
        services.AddSingleton<ApprovalEndpoint>();
        services.AddSingleton<ToolEndpoints>();
        services.AddSingleton<AgentDispatcher>();
        services.AddSingleton<SessionCache>();
        services.AddSingleton<AuditBatch>();
        services.AddHostedService(p => p.GetRequiredService<AuditBatch>());
        services.AddSingleton<CallTrail>();
        services.AddSingleton<ToolAdmission>();
        services.AddSingleton<OfferedTools>();
        services.AddModels(models ?? ModelCatalog.None);
        services.AddSingleton<ApprovalAsking>();
        services.AddSingleton<AlertFacts>();
        services.AddSingleton<SecurityAlerts>();
        services.AddHostedService(p => p.GetRequiredService<SecurityAlerts>());
        services.AddSingleton<AuditCalls>();
        services.AddSingleton<UnfinishedCallsSweep>();
        services.AddHostedService(p => p.GetRequiredService<UnfinishedCallsSweep>());
        return services;
    }

    /// <summary>Answers whatever comes through a sandbox's door, its socket or the pods'. The last middleware of the application.</summary>
    public static void MapGateway(this IApplicationBuilder app)
    {
        var dispatcher = app.ApplicationServices.GetRequiredService<AgentDispatcher>();
        var pods = app.ApplicationServices.GetService<PodDoor>();
        app.Run(http => pods is not null && http.Features.Get<PodConnection>() is not null ? pods.HandleAsync(http) : dispatcher.HandleAsync(http));
    }

    private static void AddDoor(IServiceCollection services, GatewayOptions options)
    {
        services.AddSingleton<SandboxDoor>();
        services.AddSingleton<ISandboxDoor>(p => p.GetRequiredService<SandboxDoor>());
        services.AddSingleton<IConnectionListenerFactory, SandboxListenerFactory>();
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = Protocol.MaxMessageBytes;
            kestrel.Limits.MaxRequestLineSize = 20 * 1024;
            kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            kestrel.Limits.MaxRequestHeaderCount = 40;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
            kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(10));
            kestrel.Listen(new SandboxEndPoint(), listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                if (options.Proxy.Enabled)
                    listen.UseProxyDoor();
            });
            if (options.Proxy.Enabled)
                kestrel.ListenToTunnels(options);
            if (options.Pods.Enabled)
                kestrel.ListenToPods(options.Pods);
        });
    }
}
