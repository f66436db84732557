using System.Security.Cryptography;
using IncidentFox.Workbench.Postgres;
using Npgsql;

namespace IncidentFox.Workbench.Stack;

/// <summary>The local PostgreSQL with the product's three logins.</summary>
public sealed class StackDatabase : IAsyncDisposable
{
    private readonly LocalPostgres _postgres;

    private StackDatabase(LocalPostgres postgres, IReadOnlyList<(string Setting, string ConnectionString)> logins) => (_postgres, Logins) = (postgres, logins);

    /// <summary>Owner, bot and gateway: the setting's name and its connection string, password included.</summary>
    public IReadOnlyList<(string Setting, string ConnectionString)> Logins { get; }

    /// <summary>As the owner.</summary>
    public string OwnerConnectionString => _postgres.OwnerConnectionString;

    /// <summary>Starts it; passwords of the application's logins are new each time.</summary>
    public static async Task<StackDatabase> StartAsync(string dataDirectory, StackOptions options, CancellationToken cancellationToken)
    {
        var postgres = await LocalPostgres.StartAsync(new LocalPostgresOptions
        {
            DataDirectory = dataDirectory,
            Ephemeral = options.Ephemeral,
            Durable = options.DurableDatabase,
        }, cancellationToken);
        try
        {
            List<(string, string)> logins = [("Owner", postgres.OwnerConnectionString)];
            await using var connection = new NpgsqlConnection(postgres.OwnerConnectionString);
            await connection.OpenAsync(cancellationToken);
            foreach (var (setting, role) in new[] { ("Bot", "incidentfox_bot"), ("Gateway", "incidentfox_gateway") })
            {
                var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
                await using var command = new NpgsqlCommand(
                    $"""
                    do $$ begin create role {role}; exception when duplicate_object then null; end $$;
                    alter role {role} login password '{password}';
                    """, connection);
                await command.ExecuteNonQueryAsync(cancellationToken);
                logins.Add((setting, postgres.ConnectionStringFor(role, password)));
            }
            return new StackDatabase(postgres, logins);
        }
        catch
        {
            await postgres.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _postgres.DisposeAsync();
}
