using System.Security.Cryptography;
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
public sealed class AuditVerifier(Database database)
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
            else if (!Same(AuditChain.Digest(link.ToEvent(), link.PayloadDigest), link.Digest))
                Report($"sequence {link.Sequence}: event {link.Id} was changed after it was sealed");
            if (!Same(previous, link.PrevHash))
                Report($"sequence {link.Sequence}: does not follow the link before it");
            if (!Same(AuditChain.Hash(link.Sequence, link.PrevHash, link.Digest), link.Hash))
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

    private static bool Same(byte[] a, byte[] b) => CryptographicOperations.FixedTimeEquals(a, b);

    private sealed record ChainRow : AuditRow
    {
        public long Sequence { get; init; }
        public byte[] Digest { get; init; } = [];
        public byte[] PrevHash { get; init; } = [];
        public byte[] Hash { get; init; } = [];
    }
}
