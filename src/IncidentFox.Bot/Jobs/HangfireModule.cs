using Hangfire;
using Hangfire.PostgreSql;
using IncidentFox.Core.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace IncidentFox.Bot.Jobs;

internal static class HangfireModule
{
    public static IServiceCollection AddJobs(this IServiceCollection services, BotOptions options)
    {
        services.AddHangfire(configuration => configuration
            .SetDataCompatibilityLevel(CompatibilityLevel.Version_180)
            .UseSimpleAssemblyNameTypeSerializer()
            .UseRecommendedSerializerSettings());
        // The storage of this host and no other: Hangfire's own registration hands out the last one that anything in the process has set.
        services.Replace(ServiceDescriptor.Singleton<JobStorage>(provider =>
        {
            provider.GetRequiredService<IGlobalConfiguration>(); // serializers are set before anything is stored
            return new PostgreSqlStorage(new BotConnections(provider.GetRequiredService<Database>()), new PostgreSqlStorageOptions
            {
                SchemaName = HangfireSchema.Name,
                PrepareSchemaIfNecessary = false,       // the bot's role may not change schemas
                AllowDegradedModeWithoutStorage = false, // no storage, no start: a job that is silently lost is worse
                EnableLongPolling = true,
                QueuePollInterval = TimeSpan.FromSeconds(1),
                UseSlidingInvisibilityTimeout = true,
                InvisibilityTimeout = TimeSpan.FromSeconds(30),
            });
        }));
        services.AddHangfireServer((_, server) =>
        {
            server.ServerName = $"incidentfox-bot:{Environment.MachineName}";
            server.WorkerCount = options.Workers;
            server.SchedulePollingInterval = TimeSpan.FromSeconds(1);
            server.ShutdownTimeout = TimeSpan.FromSeconds(2);
            server.StopTimeout = TimeSpan.FromSeconds(1);
            server.CancellationCheckInterval = TimeSpan.FromSeconds(1);
        });
        return services;
    }

    // Jobs share the bot's connections: one pool, one role.
    private sealed class BotConnections(Database database) : IConnectionFactory
    {
        public NpgsqlConnection GetOrCreateConnection() => database.Source.CreateConnection();
    }
}
