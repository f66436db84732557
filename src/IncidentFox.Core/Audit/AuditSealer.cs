using Dapper;
using IncidentFox.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Core.Audit;

/// <summary>Appends unsealed events to the hash chain, within a second. Every gateway runs one; an advisory lock elects who seals.</summary>
public sealed class AuditSealer(Database database, TimeProvider time, ILogger<AuditSealer> logger) : BackgroundService
{
    private const int Batch = 2_000;

    /// <summary>Seals what is waiting; returns how many events. Zero when another sealer is at it.</summary>
    public Task<int> SealAsync(CancellationToken cancellationToken) => database.InTransactionAsync(SealBatchAsync, cancellationToken);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500), time);
        do
        {
            try
            {
                while (await SealAsync(stoppingToken) == Batch) { }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                logger.LogWarning("Sealing the audit trail failed ({Reason}); trying again", e.Message);
            }
        }
        while (await Tick(timer, stoppingToken));
    }

    private static async Task<bool> Tick(PeriodicTimer timer, CancellationToken stoppingToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stoppingToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static async Task<int> SealBatchAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        if (!await connection.QuerySingleAsync<bool>(new CommandDefinition(
            "select pg_try_advisory_xact_lock(hashtext('incidentfox:seal'))", cancellationToken: ct)))
            return 0;
        var rows = (await connection.QueryAsync<UnsealedRow>(new CommandDefinition(
            $"""
            select {AuditRow.Columns}, u.position
              from app.audit_unsealed u join app.audit_events e on e.id = u.event_id
             order by u.position limit {Batch}
            """, cancellationToken: ct))).AsList();
        if (rows.Count == 0)
            return 0;
        var head = await connection.QuerySingleOrDefaultAsync<(long Sequence, byte[] Hash)>(new CommandDefinition(
            "select sequence, hash from app.audit_chain order by sequence desc limit 1", cancellationToken: ct));
        var (sequence, previous) = head.Hash is null ? (0, AuditChain.Genesis) : head;
        var links = new List<(long Sequence, Guid EventId, byte[] Digest, byte[] Previous, byte[] Hash)>(rows.Count);
        foreach (var row in rows)
        {
            var digest = AuditChain.Digest(row.ToEvent(), row.PayloadDigest, take: true);
            var hash = AuditChain.Hash(++sequence, previous, digest);
            links.Add((sequence, row.Id, digest, previous, hash));
            previous = hash;
        }
        await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.audit_chain (sequence, event_id, digest, prev_hash, hash)
            select * from unnest(@sequences, @ids, @digests, @previous, @hashes)
            """,
            new
            {
                sequences = links.Select(l => l.Sequence).ToArray(),
                ids = links.Select(l => l.EventId).ToArray(),
                digests = links.Select(l => l.Digest).ToArray(),
                previous = links.Select(l => l.Previous).ToArray(),
                hashes = links.Select(l => l.Hash).ToArray(),
            }, cancellationToken: ct));
        await connection.ExecuteAsync(new CommandDefinition(
            "delete from app.audit_unsealed where position = any(@positions)", new { positions = rows.Select(r => r.Position).ToArray() }, cancellationToken: ct));
        return rows.Count;
    }

    private sealed record UnsealedRow : AuditRow
    {
        public long Position { get; init; }
    }
}
