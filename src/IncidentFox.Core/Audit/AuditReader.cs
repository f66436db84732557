using System.Security.Cryptography;
using Dapper;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Audit;

/// <summary>Which events to read.</summary>
public sealed record AuditFilter
{
    /// <summary>Only this investigation's.</summary>
    public Guid? InvestigationId { get; init; }

    /// <summary>Only this type.</summary>
    public string? EventType { get; init; }

    /// <summary>Only these types; null: all.</summary>
    public IReadOnlyList<string>? EventTypes { get; init; }

    /// <summary>Only this tool's.</summary>
    public string? Tool { get; init; }

    /// <summary>Only this organization's.</summary>
    public string? OrgId { get; init; }

    /// <summary>Only this team's; a team's id is unique within its organization only.</summary>
    public string? TeamId { get; init; }
}

/// <summary>An event with its place in the chain: the first has 1, and none is ever put before one that was read.</summary>
public readonly record struct SealedEvent(long Sequence, AuditEvent Event);

/// <summary>What is new in the chain.</summary>
/// <param name="Events">In the chain's order.</param>
/// <param name="Next">From where to ask again; also moves on when nothing that was looked for is new.</param>
public readonly record struct AuditPage(IReadOnlyList<SealedEvent> Events, long Next);

/// <summary>Reads the trail: the latest by time, or on and on by the chain, where an event that was committed late still comes after what was read.</summary>
public sealed class AuditReader(Database database, ColumnCipher cipher)
{
    private const string Matches =
        """
        (@InvestigationId::uuid is null or e.investigation_id = @InvestigationId)
           and (@EventType::text is null or e.event_type = @EventType)
           and (@EventTypes::text[] is null or e.event_type = any(@EventTypes))
           and (@Tool::text is null or e.tool = @Tool)
           and (@OrgId::text is null or e.org_id = @OrgId)
           and (@TeamId::text is null or e.team_id = @TeamId)
        """;

    /// <summary>The last events, oldest first.</summary>
    public async Task<IReadOnlyList<AuditEvent>> LastAsync(int count, AuditFilter filter, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<AuditRow>(new CommandDefinition(
            $"""
            select {AuditRow.Columns}, p.salt, p.ciphertext
              from app.audit_events e left join app.audit_payloads p on p.event_id = e.id
             where {Matches}
             order by e.at desc, e.id desc limit @count
            """,
            new { filter.InvestigationId, filter.EventType, EventTypes = filter.EventTypes?.ToArray(), filter.Tool, filter.OrgId, filter.TeamId, count },
            cancellationToken: cancellationToken));
        return [.. rows.Select(r => r.ToEvent(Query(r))).Reverse()];
    }

    /// <summary>The last sealed events, oldest first, and from where to go on.</summary>
    public async Task<AuditPage> LastSealedAsync(int count, AuditFilter filter, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var head = await HeadAsync(connection, cancellationToken);
        var events = await ReadSealedAsync(connection, "true", "desc", count, filter, after: 0, head, cancellationToken);
        events.Reverse();
        return new(events, head);
    }

    /// <summary>Sealed events after a place in the chain, oldest first. An event is sealed within a second of its commit while a gateway runs.</summary>
    public async Task<AuditPage> AfterAsync(long sequence, int count, AuditFilter filter, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var head = await HeadAsync(connection, cancellationToken);
        if (head <= sequence)
            return new([], sequence);
        var events = await ReadSealedAsync(connection, "c.sequence > @after and c.first + b.n - 1 > @after", "asc", count, filter, sequence, head, cancellationToken);
        return new(events, events.Count == count ? events[^1].Sequence : head);
    }

    private static Task<long> HeadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) => connection.QuerySingleAsync<long>(
        new CommandDefinition("select coalesce(max(sequence), 0) from app.audit_chain", cancellationToken: cancellationToken));

    private async Task<List<SealedEvent>> ReadSealedAsync(
        NpgsqlConnection connection, string where, string direction, int count, AuditFilter filter, long after, long head, CancellationToken cancellationToken)
    {
        var rows = await connection.QueryAsync<SealedRow>(new CommandDefinition(
            $"""
            select c.first + b.n - 1 as sequence, {AuditRow.Columns}, p.salt, p.ciphertext
              from app.audit_chain c cross join lateral unnest(c.event_ids) with ordinality as b (event_id, n)
              join app.audit_events e on e.id = b.event_id left join app.audit_payloads p on p.event_id = e.id
             where c.sequence <= @head and {where} and {Matches}
             order by c.sequence {direction}, b.n {direction} limit @count
            """,
            new { filter.InvestigationId, filter.EventType, EventTypes = filter.EventTypes?.ToArray(), filter.Tool, filter.OrgId, filter.TeamId, count, after, head },
            cancellationToken: cancellationToken));
        return [.. rows.Select(r => new SealedEvent(r.Sequence, r.ToEvent(Query(r))))];
    }

    private string? Query(AuditRow row)
    {
        if (row.Ciphertext is null)
            return null;
        try
        {
            return cipher.Decrypt(AuditLog.PayloadCell(row.Id), row.Ciphertext);
        }
        catch (CryptographicException)
        {
            return "[can't be decrypted with the configured keys]";
        }
    }

    private sealed record SealedRow : AuditRow
    {
        public long Sequence { get; init; }
    }
}
