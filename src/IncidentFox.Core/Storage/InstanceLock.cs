using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Core.Storage;

/// <summary>
/// This process's name, alive in the database: a session advisory lock of that name is held as long as the process lives and reaches the database.
/// Others see at once that a process is gone, however it ended. A lost session means a new name.
/// </summary>
public sealed class InstanceLock(Database database, TimeProvider time, ILogger<InstanceLock> logger) : BackgroundService
{
    private volatile string? _name;

    /// <summary>The name; null while it is not held, and then nothing may be claimed.</summary>
    public string? Name => _name;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await HoldAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
            {
                logger.LogWarning("The instance's database session broke ({Reason}); taking a new name", e.Message);
            }
            finally
            {
                _name = null;
            }
            await Task.Delay(TimeSpan.FromSeconds(1), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task HoldAsync(CancellationToken stoppingToken)
    {
        await using var connection = await database.OpenAsync(stoppingToken);
        var name = $"{Environment.MachineName}/{Environment.ProcessId}/{Guid.NewGuid():N}";
        await using (var take = new NpgsqlCommand("select pg_advisory_lock(hashtextextended($1, 0))", connection) { Parameters = { new() { Value = name } } })
            await take.ExecuteNonQueryAsync(stoppingToken);
        _name = name;
        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(2), time, stoppingToken);
                await using var alive = new NpgsqlCommand("select 1", connection);
                await alive.ExecuteNonQueryAsync(stoppingToken);
            }
        }
        finally
        {
            _name = null;
            await ReleaseAsync(connection);
        }
    }

    // The session goes back to a pool and lives on there; without this the name would seem alive for as long.
    private static async Task ReleaseAsync(NpgsqlConnection connection)
    {
        if (connection.State != System.Data.ConnectionState.Open)
            return;
        try
        {
            await using var release = new NpgsqlCommand("select pg_advisory_unlock_all()", connection) { CommandTimeout = 2 };
            await release.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
        {
            // A session that can't be reached is gone, and its lock with it.
        }
    }
}
