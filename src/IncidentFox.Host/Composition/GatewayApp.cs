using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Safety;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Core.Storage;
using IncidentFox.Gateway;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Sending;
using IncidentFox.Host.Configuration;
using IncidentFox.Secrets;
using Npgsql;

namespace IncidentFox.Host.Composition;

/// <summary>The gateway's application: the agents' door, credentials, executions, the audit chain. Its only listener is the sandboxes' sockets.</summary>
public static class GatewayApp
{
    /// <summary>Builds it.</summary>
    public static WebApplication Build(HostSettings settings, GatewayKeys keys, Serilog.ILogger logger)
    {
        var builder = Applications.Create(logger);
        var services = builder.Services;
        services.AddSingleton(TimeProvider.System);
        AddAuditHead(services, settings.Configuration["Audit:HeadFile"]);
        AddStorage(services, keys);
        services.AddSingleton(p => new PolicyStore(p.GetRequiredService<Database>(), p.GetRequiredService<AuditLog>(), settings.Policy));
        services.AddSingleton(p => new PolicySource(settings.Policy, p.GetRequiredService<PolicyStore>(), p.GetRequiredService<ILogger<PolicySource>>()));
        services.AddHostedService<PolicyRefresher>();
        services.AddSecrets(settings.Secrets);
        services.AddGateway(settings.Gateway, settings.Models);
        services.AddSending();
        services.AddExecution();
        var app = builder.Build();
        app.MapGateway();
        return app;
    }

    // First among what starts: it decides whether anything may run.
    private static void AddAuditHead(IServiceCollection services, string? file)
    {
        if (string.IsNullOrEmpty(file))
            return;
        services.AddSingleton<Stops>();
        services.AddHostedService(p => new AuditHeadGuard(
            file, p.GetRequiredService<Database>(), p.GetRequiredService<Stops>(), p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<AuditHeadGuard>>()));
    }

    /// <summary>What the local sandbox driver calls.</summary>
    public static ISandboxDoor Door(WebApplication gateway) => gateway.Services.GetRequiredService<ISandboxDoor>();

    private static void AddStorage(IServiceCollection services, GatewayKeys keys)
    {
        var shared = new ColumnCipher(keys.ColumnKey);
        var frozenCalls = new ColumnCipher(keys.FrozenCallKey);
        services.AddSingleton(NpgsqlDataSource.Create(keys.ConnectionString));
        services.AddSingleton(p => new Database(p.GetRequiredService<NpgsqlDataSource>()));
        services.AddSingleton(shared);
        services.AddSingleton<AuditLog>();
        services.AddSingleton<SandboxSessions>();
        services.AddSingleton<ApprovalReader>();
        services.AddSingleton(p => new ApprovalExecution(p.GetRequiredService<Database>(), p.GetRequiredService<AuditLog>(), shared, frozenCalls));
        services.AddSingleton<DatabaseSignals>();
        services.AddHostedService(p => p.GetRequiredService<DatabaseSignals>());
        services.AddSingleton<InstanceLock>();
        services.AddHostedService(p => p.GetRequiredService<InstanceLock>());
        services.AddHostedService<AuditSealer>();
    }
}

/// <summary>What the gateway's application needs before it can fetch secrets itself.</summary>
/// <param name="ConnectionString">Its database login.</param>
/// <param name="ColumnKey">Key of questions, timelines and reports.</param>
/// <param name="FrozenCallKey">Key of frozen calls: the gateway's alone.</param>
public sealed record GatewayKeys(string ConnectionString, byte[] ColumnKey, byte[] FrozenCallKey);
