using Dapper;
using IncidentFox.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Bot.Investigations;

/// <summary>
/// This process, as others can tell whether it lives: it holds an advisory lock on a connection of its own, which the database takes away the moment
/// the process is gone, however it went.
/// </summary>
internal sealed class BotInstance(Database database, TimeProvider time, ILogger<BotInstance> logger) : BackgroundService
{
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Its name, new at each start.</summary>
    public Guid Id { get; } = Guid.CreateVersion7();

    /// <summary>Completes when the lock was taken for the first time: nothing is owned before.</summary>
    public Task Held => _held.Task;

    /// <summary>Whether another process is alive.</summary>
    public async Task<bool> IsAliveAsync(Guid other, CancellationToken cancellationToken)
    {
        if (other == Id)
            return true;
        await using var connection = await database.OpenAsync(cancellationToken);
        // In one transaction, so that the lock taken for the question is given back with it.
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        return !await connection.QuerySingleAsync<bool>(new CommandDefinition(
            "select pg_try_advisory_xact_lock(hashtextextended(@name, 0))", new { name = Name(other) }, transaction, cancellationToken: cancellationToken));
    }

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
                return;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
            {
                logger.LogWarning("The connection that shows this bot alive broke ({Reason}); taking it again in 1 s", e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task HoldAsync(CancellationToken stoppingToken)
    {
        await using var connection = await database.OpenAsync(stoppingToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "select pg_advisory_lock(hashtextextended(@name, 0))", new { name = Name(Id) }, cancellationToken: stoppingToken));
        _held.TrySetResult();
        // Waits for notifications that never come: it ends when the connection does.
        while (true)
            await connection.WaitAsync(stoppingToken);
    }

    private static string Name(Guid id) => $"incidentfox:bot:{id:N}";
}
