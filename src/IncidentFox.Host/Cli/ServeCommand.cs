using System.CommandLine;
using System.Runtime.InteropServices;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Storage;
using IncidentFox.Host.Composition;
using IncidentFox.Host.Configuration;
using IncidentFox.Secrets;
using IncidentFox.Slack;
using Npgsql;

namespace IncidentFox.Host.Cli;

/// <summary><c>incidentfox serve</c>: the product.</summary>
public static class ServeCommand
{
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(5);

    /// <summary>The command.</summary>
    public static Command Create(Option<FileInfo?> config)
    {
        var role = new Option<HostRole>("--role") { Description = "all (one machine), bot or gateway.", DefaultValueFactory = _ => HostRole.All };
        var command = new Command("serve", "Runs the product until SIGTERM or Ctrl+C.") { role };
        command.SetAction(async (parse, ct) =>
        {
            if (Start.Load(parse.GetValue(config)) is not { } configuration)
                return 2;
            var (settings, errors) = HostSettings.Read(configuration, parse.GetValue(role));
            if (settings is null)
            {
                Start.Refuse<object>(errors);
                return 2;
            }
            var logger = Logs.Create(configuration);
            try
            {
                return await RunAsync(settings, parse.GetValue(role), logger, ct);
            }
            finally
            {
                await ((IAsyncDisposable)logger).DisposeAsync();
            }
        });
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, HostRole role, Serilog.ILogger logger, CancellationToken cancellationToken)
    {
        // Both signals end the process in order; a second one is the impatient user's right and ends it at once.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        }

        var (gatewayKeys, botKeys, problems) = await StartupSecrets.FetchAsync(settings, role, stop.Token);
        if (problems.Count > 0)
        {
            Start.Refuse<object>(problems);
            return 2;
        }
        using var telemetry = Telemetry.Start(settings.Telemetry);
        var database = NpgsqlDataSource.Create(botKeys?.ConnectionString ?? gatewayKeys!.ConnectionString);
        await using var readiness = new Readiness(database, TimeProvider.System);
        // Gateway before bot, whose local sandboxes need its door; health before both, so that a slow start is seen as one.
        await using var health = gatewayKeys is not null && settings.Gateway.HealthUrl is { Length: > 0 } url ? HealthApp.Build(new Uri(url), readiness, logger) : null;
        await using var gateway = gatewayKeys is null ? null : GatewayApp.Build(settings, gatewayKeys, logger);
        await using var bot = botKeys is null ? null : BotApp.Build(settings, botKeys, gateway is null ? null : GatewayApp.Door(gateway), readiness, logger);
        WebApplication[] applications = [.. new[] { health, gateway, bot }.OfType<WebApplication>()];
        try
        {
            if (await Migrator.MissingAsync(new Database(database), stop.Token) is { Count: > 0 } missing)
            {
                Start.Refuse<object>([$"The database has no schema of this version, {missing.Count} migrations are missing: run incidentfox migrate."]);
                return 1;
            }
            if (bot is not null)
                await PrepareAsync(bot.Services, settings, stop.Token);
            foreach (var application in applications)
                await application.StartAsync(stop.Token);
        }
        catch (NpgsqlException e)
        {
            Start.Refuse<object>([$"The database does not answer: {e.Message}"]);
            return 1;
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            Start.Refuse<object>([e.Message]);
            return 1;
        }
        readiness.Begin();
        logger.Information("ready on {Url}", bot is null ? "the agents' door" : settings.HttpUrl.AbsoluteUri);
        await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        logger.Information("stopping");
        using var patience = new CancellationTokenSource(StopWithin);
        readiness.End();
        foreach (var application in applications.Reverse())
            await application.StopAsync(patience.Token);
        logger.Information("stopped");
        return 0;
    }

    private static async Task PrepareAsync(IServiceProvider services, HostSettings settings, CancellationToken ct) =>
        await new DirectorySync(services.GetRequiredService<Database>(), services.GetRequiredService<AuditLog>()).ApplyAsync(settings.Directory, ct);
}
