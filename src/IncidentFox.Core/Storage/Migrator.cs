using System.Reflection;
using DbUp;
using DbUp.Engine.Output;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Core.Storage;

/// <summary>Brings a database to this version's schema. Runs as the owner, never as an application role.</summary>
public static class Migrator
{
    /// <summary>Applies what is missing, each script in its own transaction. Several callers at once take turns by an advisory lock.</summary>
    public static void Migrate(string ownerConnectionString, ILogger logger)
    {
        // Not from a pool: there the session, and with it the lock, would outlive this method.
        using var turn = new Npgsql.NpgsqlConnection(new Npgsql.NpgsqlConnectionStringBuilder(ownerConnectionString) { Pooling = false }.ConnectionString);
        turn.Open();
        using (var take = new Npgsql.NpgsqlCommand("select pg_advisory_lock(hashtext('incidentfox:migrate'))", turn) { CommandTimeout = 600 })
            take.ExecuteNonQuery();
        var result = DeployChanges.To
            .PostgresqlDatabase(ownerConnectionString)
            .WithScriptsEmbeddedInAssembly(Assembly.GetExecutingAssembly(), IsScript)
            .WithTransactionPerScript()
            .WithVariablesDisabled()
            .LogTo(new ToLogger(logger))
            .Build()
            .PerformUpgrade();
        if (!result.Successful)
            throw new InvalidOperationException($"The database could not be brought to this version: script {result.ErrorScript?.Name} failed.", result.Error);
    }

    /// <summary>
    /// The scripts of this version that the database has not had, in their order. None: its schema is this version's or a later one's, with which this version
    /// works as well (docs/operations.md, upgrade). Runs as an application role.
    /// </summary>
    /// <exception cref="Npgsql.NpgsqlException">The database does not answer.</exception>
    public static async Task<IReadOnlyList<string>> MissingAsync(Database database, CancellationToken cancellationToken)
    {
        var names = Assembly.GetExecutingAssembly().GetManifestResourceNames().Where(IsScript).Order(StringComparer.Ordinal).ToList();
        try
        {
            await using var connection = await database.OpenAsync(cancellationToken);
            await using var command = new Npgsql.NpgsqlCommand("select name from app.migrations", connection);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                names.Remove(reader.GetString(0));
            return names;
        }
        // Nothing of ours, or from before there was this view.
        catch (Npgsql.PostgresException e) when (e.SqlState is Npgsql.PostgresErrorCodes.UndefinedTable or Npgsql.PostgresErrorCodes.InvalidSchemaName)
        {
            return names;
        }
    }

    private static bool IsScript(string name) => name.EndsWith(".sql", StringComparison.Ordinal);

    private sealed class ToLogger(ILogger logger) : IUpgradeLog
    {
        public void LogTrace(string format, params object[] args) { }
        public void LogDebug(string format, params object[] args) { }
        public void LogInformation(string format, params object[] args) => Write(LogLevel.Debug, null, format, args);
        public void LogWarning(string format, params object[] args) => Write(LogLevel.Warning, null, format, args);
        public void LogError(string format, params object[] args) => Write(LogLevel.Error, null, format, args);
        public void LogError(Exception ex, string format, params object[] args) => Write(LogLevel.Error, ex, format, args);

        private void Write(LogLevel level, Exception? exception, string format, object[] args) =>
            logger.Log(level, exception, "migration: {Message}", args.Length == 0 ? format : string.Format(format, args));
    }
}
