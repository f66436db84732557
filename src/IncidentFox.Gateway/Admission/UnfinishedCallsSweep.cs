using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Gateway.Admission;

/// <summary>
/// Closes calls whose gateway was gone before it could say how they ended: <c>unknown</c>, because that is what it is. Approved calls are not its
/// business: their execution proves or says unknown itself. Several gateways take turns.
/// </summary>
internal sealed class UnfinishedCallsSweep(Database database, AuditLog audit, AuditCalls calls, TimeProvider time, ILogger<UnfinishedCallsSweep> logger) : BackgroundService
{
    /// <summary>Longer than any call takes, so that no call is closed that still runs somewhere.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        do
        {
            try
            {
                while (await SweepAsync(stoppingToken) > 0)
                {
                    // Until none is left.
                }
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                logger.LogWarning("Closing unfinished calls failed ({Reason}); trying again in a minute", e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Reads what the trail has gained, and closes up to a hundred; how many it closed.</summary>
    internal async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        while (await InTurnAsync(calls.ReadOnAsync, cancellationToken) is true)
        {
            // Until it has caught up: a stretch a transaction.
        }
        return await InTurnAsync(CloseAsync, cancellationToken) ?? 0;
    }

    private Task<T?> InTurnAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken) where T : struct =>
        database.InTransactionAsync<T?>(async (connection, ct) => await connection.QuerySingleAsync<bool>(new CommandDefinition(
            "select pg_try_advisory_xact_lock(hashtext('incidentfox:unfinished-calls'))", cancellationToken: ct))
                ? await work(connection, ct)
                : default, cancellationToken);

    private async Task<int> CloseAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var late = await calls.OpenLongerThanAsync(connection, Grace, 100, ct);
        foreach (var call in late)
        {
            await audit.AppendAsync(connection, call with
            {
                Id = Guid.CreateVersion7(),
                EventType = call.EventType == AuditEventTypes.ModelRequested ? AuditEventTypes.ModelAnswered : AuditEventTypes.ToolExecuted,
                Status = "unknown",
                Details = new() { ["code"] = "gateway_lost", ["reason"] = "The gateway was gone before it could say how this ended." },
            }, ct);
        }
        return late.Count;
    }
}
