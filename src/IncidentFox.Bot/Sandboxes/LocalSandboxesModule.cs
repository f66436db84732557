using IncidentFox.Core.Sandboxes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace IncidentFox.Bot.Sandboxes;

/// <summary>Wiring of the local drivers.</summary>
public static class LocalSandboxesModule
{
    /// <summary>
    /// Adds the <see cref="ISandboxDriver"/> of this machine; needs an <see cref="ISandboxDoor"/> and a <see cref="TimeProvider"/>. At start-up, before the
    /// first job, the driver is chosen and leftovers are reaped; a machine that can't isolate does not start.
    /// </summary>
    public static IServiceCollection AddLocalSandboxes(this IServiceCollection services, IConfiguration configuration)
    {
        services.Configure<LocalSandboxOptions>(configuration.GetSection(LocalSandboxOptions.SectionName));
        services.AddSingleton(provider => new ChosenSandboxDriver(
            provider.GetRequiredService<IOptions<LocalSandboxOptions>>().Value,
            provider.GetRequiredService<ISandboxDoor>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("IncidentFox.Sandboxes")));
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<LocalSandboxOptions>>().Value.Limits);
        services.AddSingleton<ISandboxDriver>(provider => provider.GetRequiredService<ChosenSandboxDriver>());
        services.AddHostedService(provider => provider.GetRequiredService<ChosenSandboxDriver>());
        return services;
    }
}
