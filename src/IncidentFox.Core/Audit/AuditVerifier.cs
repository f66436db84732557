using System.Security.Cryptography;
using System.Text.Json;
using Dapper;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Audit;

/// <summary>What verification found.</summary>
/// <param name="Links">Links that were checked.</param>
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

    /// <summary>Streams the chain; memory does not grow with its length.</summary>
    public async Task<AuditVerification> VerifyAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var problems = new List<string>();
        long expected = 0;
        var previous = AuditChain.Genesis;
        var links = connection.QueryUnbufferedAsync<ChainRow>(
            $"""
            select c.sequence, c.digest, c.prev_hash as PrevHash, c.hash, {AuditRow.Columns}, p.salt, p.ciphertext
              from app.audit_chain c
              left join app.audit_events e on e.id = c.event_id
              left join app.audit_payloads p on p.event_id = c.event_id
             order by c.sequence
            """);
        await foreach (var link in links.WithCancellation(cancellationToken))
        {
            expected++;
            if (link.Sequence != expected)
            {
                Report($"sequence {expected} is missing: the chain goes on at {link.Sequence}");
                expected = link.Sequence;
            }
            if (link.Id == Guid.Empty)
                Report($"sequence {link.Sequence}: its event is gone");
            else if (!Unchanged(link))
                Report($"sequence {link.Sequence}: event {link.Id} was changed after it was sealed");
            else if (!PayloadHolds(link))
                Report($"sequence {link.Sequence}: what was asked in event {link.Id} was changed after it was sealed");
            if (!Same(previous, link.PrevHash))
                Report($"sequence {link.Sequence}: does not follow the link before it");
            if (link.PrevHash.Length != 32 || link.Digest.Length != 32 || !Same(AuditChain.Hash(link.Sequence, link.PrevHash, link.Digest), link.Hash))
                Report($"sequence {link.Sequence}: its hash does not match");
            previous = link.Hash;
        }
        var unsealed = await connection.QuerySingleAsync<long>(new CommandDefinition(
            "select count(*) from app.audit_unsealed", cancellationToken: cancellationToken));
        var orphans = await connection.QuerySingleAsync<long>(new CommandDefinition(
            """
            select count(*) from app.audit_events e
             where not exists (select from app.audit_chain c where c.event_id = e.id)
               and not exists (select from app.audit_unsealed u where u.event_id = e.id)
            """, cancellationToken: cancellationToken));
        if (orphans > 0)
            Report($"{orphans} event(s) are neither sealed nor waiting to be: links were removed");
        return new AuditVerification(expected, unsealed, Convert.ToHexStringLower(previous), problems);

        void Report(string problem)
        {
            if (problems.Count < MaxProblems)
                problems.Add(problem);
        }
    }

    private static bool Unchanged(ChainRow link)
    {
        try
        {
            return Same(AuditChain.Digest(link.ToEvent(), link.PayloadDigest, take: true), link.Digest);
        }
        catch (Exception e) when (e is InvalidCastException or JsonException or InvalidOperationException)
        {
            return false;   // not even an event any more
        }
    }

    // A payload that retention removed is not missed; one that is there must be the one that was sealed.
    private bool PayloadHolds(ChainRow link)
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

    private sealed record ChainRow : AuditRow
    {
        public long Sequence { get; init; }
        public byte[] Digest { get; init; } = [];
        public byte[] PrevHash { get; init; } = [];
        public byte[] Hash { get; init; } = [];
    }
}
