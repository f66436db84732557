using Hangfire.PostgreSql;
using Npgsql;

namespace IncidentFox.Bot.Jobs;

/// <summary>The schema that Hangfire keeps its jobs in. Made by the owner at migration; the bot uses it and can't change it.</summary>
public static class HangfireSchema
{
    /// <summary>Its name.</summary>
    public const string Name = "hangfire";

    /// <summary>Creates or upgrades it and grants the bot's role what jobs need. Safe to repeat; several callers take turns.</summary>
    public static void Install(string ownerConnectionString)
    {
        using var turn = new NpgsqlConnection(ownerConnectionString);
        turn.Open();
        Run(turn, "select pg_advisory_lock(hashtext('incidentfox:hangfire'))");
        try
        {
            using (var connection = new NpgsqlConnection(ownerConnectionString))
            {
                connection.Open();
                PostgreSqlObjectsInstaller.Install(connection, Name);
            }
            Run(turn,
                $"""
                grant usage on schema {Name} to incidentfox_bot;
                grant select, insert, update, delete on all tables in schema {Name} to incidentfox_bot;
                grant usage, select, update on all sequences in schema {Name} to incidentfox_bot;
                """);
        }
        finally
        {
            Run(turn, "select pg_advisory_unlock(hashtext('incidentfox:hangfire'))");
        }
    }

    private static void Run(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
