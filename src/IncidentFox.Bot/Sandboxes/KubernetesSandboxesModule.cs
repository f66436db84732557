using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Core.Storage;
using k8s;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes;

/// <summary>Wiring of sandboxes as pods.</summary>
public static class KubernetesSandboxesModule
{
    /// <summary>Name of the measurements.</summary>
    public const string MeterName = "IncidentFox.Sandboxes";

    /// <summary>Sandboxes are pods when an image is set; else they are local.</summary>
    public static bool IsConfigured(IConfiguration configuration) =>
        !string.IsNullOrEmpty(configuration[$"{KubernetesSandboxOptions.SectionName}:{nameof(KubernetesSandboxOptions.Image)}"]);

    /// <summary>
    /// Adds the <see cref="ISandboxDriver"/> of a cluster and the reconciler; needs the bot's <see cref="Database"/> and a <see cref="TimeProvider"/>. At start-up
    /// options and cluster are checked: a bot that can't isolate does not start.
    /// </summary>
    public static IServiceCollection AddKubernetesSandboxes(this IServiceCollection services, IConfiguration configuration)
    {
        var options = configuration.GetSection(KubernetesSandboxOptions.SectionName).Get<KubernetesSandboxOptions>() ?? new();
        // New at each start, as a Lease's holder must be: a name that a dead bot had would renew its Lease.
        var owner = $"{Environment.MachineName}-{Guid.NewGuid():N}";
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new InvalidOperationException(string.Join(' ', errors));
        }

        services.AddSingleton(options.Limits);
        services.AddSingleton(_ => ClusterAccess.Open(options));
        services.AddSingleton(p => new KubernetesSandboxDriver(
            p.GetRequiredService<IKubernetes>(), options, new SandboxPodStore(p.GetRequiredService<Database>()), owner, p.GetRequiredService<TimeProvider>(), Log(p)));
        services.AddSingleton<ISandboxDriver>(p => p.GetRequiredService<KubernetesSandboxDriver>());
        services.AddHostedService(p => new Opening(p.GetRequiredService<KubernetesSandboxDriver>(), Log(p)));
        services.AddHostedService(p => new ReconcilerLoop(
            p.GetRequiredService<IKubernetes>(), new SandboxReconciler(p.GetRequiredService<KubernetesSandboxDriver>(), owner), options, owner, p.GetRequiredService<TimeProvider>(), Log(p)));
        return services;
    }

    private static ILogger Log(IServiceProvider services) => services.GetRequiredService<ILoggerFactory>().CreateLogger("IncidentFox.Sandboxes");

    // Before anything else starts.
    private sealed class Opening(KubernetesSandboxDriver driver, ILogger logger) : IHostedLifecycleService
    {
        public async Task StartingAsync(CancellationToken cancellationToken)
        {
            if (await driver.OpenAsync(cancellationToken) is { } problem)
            {
                throw new InvalidOperationException(problem);
            }

            logger.LogInformation("Sandboxes are pods in namespace {Namespace}", driver.World.Options.Namespace);
        }

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
