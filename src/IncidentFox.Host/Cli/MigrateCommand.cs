using System.CommandLine;
using IncidentFox.Bot.Jobs;
using IncidentFox.Core.Storage;
using IncidentFox.Host.Composition;
using IncidentFox.Host.Configuration;
using IncidentFox.Secrets;
using Npgsql;
using Serilog.Extensions.Logging;

namespace IncidentFox.Host.Cli;

/// <summary><c>incidentfox migrate</c>: brings the database to this version, as its owner.</summary>
public static class MigrateCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Option<FileInfo?> config)
    {
        var command = new Command("migrate", "Brings the database to this version (as Database:Owner). Safe to run again.");
        command.SetAction(async (parse, ct) =>
        {
            if (Start.Load(parse.GetValue(config)) is not { } configuration)
                return 2;
            var options = configuration.GetSection(DatabaseOptions.Section).Get<DatabaseOptions>() ?? new DatabaseOptions();
            var errors = new List<string>();
            DatabaseOptions.CheckLogin(errors, nameof(DatabaseOptions.Owner), options.Owner, options.OwnerPassword);
            await using var services = Start.Secrets(configuration, errors);
            if (errors.Count > 0 || services is null)
            {
                Start.Refuse<object>(errors);
                return 2;
            }
            var secrets = new SecretResolver(services.GetRequiredService<SecretStore>());
            var owner = await secrets.ConnectionStringAsync($"{DatabaseOptions.Section}:Owner", options.Owner, options.OwnerPassword, "migrate", ct);
            if (secrets.Errors.Count > 0)
            {
                Start.Refuse<object>(secrets.Errors);
                return 2;
            }
            try
            {
                using var logs = new SerilogLoggerFactory(Logs.Create(configuration), dispose: true);
                Migrator.Migrate(owner, logs.CreateLogger("IncidentFox.Migrations"));
                HangfireSchema.Install(owner);
            }
            catch (NpgsqlException e)
            {
                Start.Refuse<object>([$"The database can't be migrated: {e.Message}"]);
                return 1;
            }
            Console.WriteLine("The database is at this version.");
            return 0;
        });
        return command;
    }
}
