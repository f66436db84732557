using IncidentFox.Gateway.Execution.OnCall;
using Microsoft.Extensions.DependencyInjection;

namespace IncidentFox.Gateway.Execution;

/// <summary>Wiring of what asks people and runs what they approved.</summary>
public static class ExecutionModule
{
    /// <summary>Adds the preparer and the executor.</summary>
    public static IServiceCollection AddExecution(this IServiceCollection services)
    {
        services.AddSingleton<AuditedSend>();
        services.AddSingleton<IActionPreparer, ActionPreparer>();
        services.AddSingleton<FrozenCallRunner>();
        services.AddSingleton<OnCallPeople>();
        services.AddSingleton<OnCallReader>();
        services.AddSingleton<OnCallRefresher>();
        services.AddHostedService(p => p.GetRequiredService<OnCallRefresher>());
        services.AddSingleton<ApprovalExecutor>();
        services.AddHostedService(p => p.GetRequiredService<ApprovalExecutor>());
        return services;
    }
}
