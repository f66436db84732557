using IncidentFox.Bot.Commands;
using IncidentFox.Core.Safety;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace IncidentFox.Bot.Stopping;

internal static class StoppingModule
{
    public static IServiceCollection AddStopping(this IServiceCollection services)
    {
        services.TryAddSingleton<Stops>();
        services.TryAddSingleton<StopEnforcement>();
        services.AddSingleton<StopAnnouncer>();
        services.AddSingleton<StopLoop>();
        services.AddHostedService(p => p.GetRequiredService<StopLoop>());
        services.AddSingleton<ICommand, FreezeCommand>();
        services.AddSingleton<ICommand, UnfreezeCommand>();
        return services;
    }
}
