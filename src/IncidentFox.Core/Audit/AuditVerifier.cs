using System.Security.Cryptography;
using Dapper;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Audit;

/// <summary>What verification found.</summary>
/// <param name="Links">Sealed events that were checked.</param>
/// <param name="Unsealed">Events not sealed yet; normal for up to a second.</param>
/// <param name="Head">Hash of the last good link, hex.</param>
/// <param name="Problems">What is wrong, at which sequence; empty when the chain holds. At most 20.</param>
public sealed record AuditVerification(long Links, long Unsealed, string Head, IReadOnlyList<string> Problems)
{
    /// <summary>True when every link holds.</summary>
    public bool Holds => Problems.Count == 0;
}

/// <summary>Recomputes the whole chain from the events as they stand.</summary>
/// <param name="database">Any role's.</param>
/// <param name="cipher">With it, what people asked is checked as well where it is still there; null: only that its digest was not changed.</param>
public sealed class AuditVerifier(Database database, ColumnCipher? cipher = null)
{
    private const int MaxProblems = 20;
    private const int EventsAtOnce = 2_000;

    private const string Loose =
        """
        select count(*) from (select id from app.audit_events union all select id from app.audit_lines) e
         where not exists (select from (select unnest(event_ids) as id from app.audit_chain union all select unnest(event_ids) from app.audit_unsealed) known where known.id = e.id)
        """;

    private const string Twice = "select count(*) from (select id from (select unnest(event_ids) as id from app.audit_chain) s group by id having count(*) > 1) d";

    /// <summary>Streams the chain; memory does not grow with its length.</summary>
    public async Task<AuditVerification> VerifyAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var events = await database.OpenAsync(cancellationToken);
        var problems = new List<string>();
        long expected = 0, count = 0;
        var previous = AuditChain.Genesis;
        var some = new List<Block>();
        var blocks = connection.QueryUnbufferedAsync<Block>(
            "select first, sequence, event_ids as Ids, seals, prev_hash as PrevHash, hash from app.audit_chain order by sequence");
        await foreach (var block in blocks.WithCancellation(cancellationToken))
        {
            if (block.First != expected + 1)
                Report($"sequence {expected + 1} is missing: the chain goes on at {block.First}");
            if (!Same(previous, block.PrevHash))
                Report($"sequence {block.First}: does not follow the link before it");
            if (block.PrevHash.Length != AuditChain.Size || !Same(AuditChain.Hash(block.First, block.PrevHash, block.Seals), block.Hash))
                Report($"sequence {block.First}: its hash does not match");
            (expected, previous) = (block.Sequence, block.Hash);
            some.Add(block);
            if (some.Sum(b => b.Ids.Length) < EventsAtOnce)
                continue;
            count += await EventsAsync(events, some, Report, cancellationToken);
            some.Clear();
        }
        count += await EventsAsync(events, some, Report, cancellationToken);
        var unsealed = await CountAsync(connection, "select coalesce(sum(cardinality(event_ids)), 0) from app.audit_unsealed", cancellationToken);
        if (await CountAsync(connection, Loose, cancellationToken) is > 0 and var loose)
            Report($"{loose} event(s) are neither sealed nor waiting to be: links were removed");
        if (await CountAsync(connection, Twice, cancellationToken) is > 0 and var twice)
            Report($"{twice} event(s) are sealed more than once");
        return new AuditVerification(count, unsealed, Convert.ToHexStringLower(previous), problems);

        void Report(string problem)
        {
            if (problems.Count < MaxProblems)
                problems.Add(problem);
        }
    }

    // How many events they hold.
    private async Task<long> EventsAsync(NpgsqlConnection connection, List<Block> blocks, Action<string> report, CancellationToken ct)
    {
        var ids = blocks.SelectMany(b => b.Ids).ToArray();
        var rows = (await connection.QueryAsync<AuditRow>(new CommandDefinition(
            $"""
            select {AuditRow.Columns}, p.salt, p.ciphertext from app.audit_events e left join app.audit_payloads p on p.event_id = e.id where e.id = any(@ids)
            """, new { ids }, cancellationToken: ct))).ToDictionary(r => r.Id);
        var lines = (await connection.QueryAsync<AuditLinesRow>(new CommandDefinition(
            $"select {AuditLinesRow.Columns} from app.audit_lines l where l.id = any(@ids)", new { ids }, cancellationToken: ct))).ToDictionary(r => r.LinesId!.Value);
        foreach (var block in blocks)
        {
            for (var i = 0; i < block.Ids.Length; i++)
            {
                if (lines.TryGetValue(block.Ids[i], out var some))
                {
                    if (!Unchanged(some.LinesAt, some.Digest(), block, i))
                        report($"sequence {block.First + i}: the lines {some.LinesId} were changed after they were sealed");
                }
                else if (!rows.TryGetValue(block.Ids[i], out var row))
                    report($"sequence {block.First + i}: its event is gone");
                else if (!Unchanged(row.At, row.Digest(), block, i))
                    report($"sequence {block.First + i}: event {row.Id} was changed after it was sealed");
                else if (!PayloadHolds(row))
                    report($"sequence {block.First + i}: what was asked in event {row.Id} was changed after it was sealed");
            }
        }
        return blocks.Sum(b => (long)b.Ids.Length) + lines.Values.Sum(l => l.LinesEvents - 1L);
    }

    private static bool Unchanged(DateTime at, byte[] digest, Block block, int index)
    {
        Span<byte> seal = stackalloc byte[AuditChain.SealSize];
        AuditChain.Seal(at, digest, seal);
        return block.Seals.Length >= (index + 1) * AuditChain.SealSize
            && CryptographicOperations.FixedTimeEquals(seal, block.Seals.AsSpan(index * AuditChain.SealSize, AuditChain.SealSize));
    }

    private static Task<long> CountAsync(NpgsqlConnection connection, string sql, CancellationToken ct) =>
        connection.QuerySingleAsync<long>(new CommandDefinition(sql, commandTimeout: 0, cancellationToken: ct));

    // A payload that retention removed is not missed; one that is there must be the one that was sealed.
    private bool PayloadHolds(AuditRow link)
    {
        if (link.Ciphertext is null)
            return true;
        if (link.PayloadDigest is null || link.Salt is null)
            return false;
        if (cipher is null)
            return true;
        try
        {
            return Same(AuditLog.PayloadDigest(link.Salt, cipher.Decrypt(AuditLog.PayloadCell(link.Id), link.Ciphertext)), link.PayloadDigest);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static bool Same(byte[] a, byte[] b) => CryptographicOperations.FixedTimeEquals(a, b);

    private sealed record Block
    {
        public long First { get; init; }
        public long Sequence { get; init; }
        public Guid[] Ids { get; init; } = [];
        public byte[] Seals { get; init; } = [];
        public byte[] PrevHash { get; init; } = [];
        public byte[] Hash { get; init; } = [];
    }
}
