using Dapper;
using IncidentFox.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Core.Audit;

/// <summary>Appends unsealed events to the hash chain, a block at a time, within a second. Every gateway runs one; an advisory lock elects who seals.</summary>
public sealed class AuditSealer(Database database, TimeProvider time, ILogger<AuditSealer> logger) : BackgroundService
{
    // Of the queue's rows, each with the events of one statement: at most some hundreds.
    private const int Batch = 256;

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
                while (await SealAsync(stoppingToken) >= Batch) { }
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
        var waiting = (await connection.QueryAsync<Waiting>(new CommandDefinition(
            $"select position, event_ids as Ids, times, digests from app.audit_unsealed order by position limit {Batch}", cancellationToken: ct))).AsList();
        if (waiting.Count == 0)
            return 0;
        await DigestAsync(connection, waiting, ct);
        var head = await connection.QuerySingleOrDefaultAsync<(long Sequence, byte[] Hash)>(new CommandDefinition(
            "select sequence, hash from app.audit_chain order by sequence desc limit 1", cancellationToken: ct));
        var (sequence, previous) = head.Hash is null ? (0, AuditChain.Genesis) : head;
        Guid[] ids = [.. waiting.SelectMany(w => w.Ids)];
        var seals = Seals(waiting, ids.Length);
        await connection.ExecuteAsync(new CommandDefinition(
            "insert into app.audit_chain (sequence, first, event_ids, seals, prev_hash, hash) values (@last, @first, @ids, @seals, @previous, @hash)",
            new { last = sequence + ids.Length, first = sequence + 1, ids, seals, previous, hash = AuditChain.Hash(sequence + 1, previous, seals) }, cancellationToken: ct));
        await connection.ExecuteAsync(new CommandDefinition(
            "delete from app.audit_unsealed where position = any(@positions)", new { positions = waiting.Select(w => w.Position).ToArray() }, cancellationToken: ct));
        return ids.Length;
    }

    private static byte[] Seals(List<Waiting> waiting, int count)
    {
        var seals = new byte[count * AuditChain.SealSize];
        var at = 0;
        foreach (var w in waiting)
        {
            for (var i = 0; i < w.Ids.Length; i++, at += AuditChain.SealSize)
                AuditChain.Seal(w.Times[i], w.Digests[i], seals.AsSpan(at, AuditChain.SealSize));
        }
        return seals;
    }

    // Whoever wrote an event without its digest is not believed to be right about it: it is made of what stands in the table.
    private static async Task DigestAsync(NpgsqlConnection connection, List<Waiting> waiting, CancellationToken ct)
    {
        var without = waiting.SelectMany(w => w.Ids.Where((_, i) => w.Digests[i] is null)).ToArray();
        if (without.Length == 0)
            return;
        var digests = (await connection.QueryAsync<AuditRow>(new CommandDefinition(
            $"select {AuditRow.Columns} from app.audit_events e where e.id = any(@without)", new { without }, cancellationToken: ct))).ToDictionary(r => r.Id, r => r.Digest());
        foreach (var w in waiting)
        {
            for (var i = 0; i < w.Ids.Length; i++)
                w.Digests[i] ??= digests[w.Ids[i]];
        }
    }

    private sealed record Waiting
    {
        public long Position { get; init; }
        public Guid[] Ids { get; init; } = [];
        public DateTime[] Times { get; init; } = [];
        public byte[][] Digests { get; init; } = [];
    }
}
