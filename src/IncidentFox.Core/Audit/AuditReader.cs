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

    internal bool Matches(AuditEvent e) =>
        (InvestigationId is null || e.InvestigationId == InvestigationId)
        && (EventType is null || e.EventType == EventType)
        && (EventTypes is null || EventTypes.Contains(e.EventType, StringComparer.Ordinal))
        && (Tool is null || e.Tool == Tool)
        && (OrgId is null || e.OrgId == OrgId)
        && (TeamId is null || e.TeamId == TeamId);
}

/// <summary>An event with its place in the chain: the first has 1, and none is ever put before one that was read. Events of one row of lines share a place.</summary>
public readonly record struct SealedEvent(long Sequence, AuditEvent Event);

/// <summary>What is new in the chain.</summary>
/// <param name="Events">In the chain's order.</param>
/// <param name="Next">From where to ask again; also moves on when nothing that was looked for is new.</param>
public readonly record struct AuditPage(IReadOnlyList<SealedEvent> Events, long Next);

/// <summary>Reads the trail: the latest by time, or on and on by the chain, where an event that was committed late still comes after what was read.</summary>
public sealed class AuditReader(Database database, ColumnCipher cipher)
{
    private const int RowsAtOnce = 500;

    private const string Matches =
        """
        (@InvestigationId::uuid is null or e.investigation_id = @InvestigationId)
           and (@EventType::text is null or e.event_type = @EventType)
           and (@EventTypes::text[] is null or e.event_type = any(@EventTypes))
           and (@Tool::text is null or e.tool = @Tool)
           and (@OrgId::text is null or e.org_id = @OrgId)
           and (@TeamId::text is null or e.team_id = @TeamId)
        """;

    // What is in lines is looked for as bytes first, so that only rows that may hold it are read.
    private const string LinesMatch =
        """
        (@InvestigationId::uuid is null or l.investigation_id = @InvestigationId)
           and (@types::bytea[] is null or exists (select from unnest(@types) t where position(t in l.lines) > 0))
           and (@toolBytes::bytea is null or position(@toolBytes in l.lines) > 0)
           and (@OrgId::text is null or l.org_id = @OrgId)
           and (@TeamId::text is null or l.team_id = @TeamId)
        """;

    /// <summary>The last events, oldest first.</summary>
    public async Task<IReadOnlyList<AuditEvent>> LastAsync(int count, AuditFilter filter, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var parameters = Parameters(filter);
        parameters.Add("count", count);
        var rows = await connection.QueryAsync<AuditRow>(new CommandDefinition(
            $"""
            select {AuditRow.Columns}, p.salt, p.ciphertext
              from app.audit_events e left join app.audit_payloads p on p.event_id = e.id
             where {Matches}
             order by e.at desc, e.id desc limit @count
            """, parameters, cancellationToken: cancellationToken));
        var found = rows.Select(r => (Row: r.Id, Index: 0, Event: r.ToEvent(Query(r)))).ToList();
        found.AddRange(await LastLinesAsync(connection, count, filter, cancellationToken));
        return [.. found.OrderBy(f => f.Event.At).ThenBy(f => f.Row).ThenBy(f => f.Index).Select(f => f.Event).TakeLast(count)];
    }

    // At least the last so many that match, if there are so many: the newest row first.
    private static async Task<List<(Guid Row, int Index, AuditEvent Event)>> LastLinesAsync(NpgsqlConnection connection, int count, AuditFilter filter, CancellationToken cancellationToken)
    {
        var found = new List<(Guid, int, AuditEvent)>();
        var (page, before) = (Math.Clamp(count, 1, RowsAtOnce), (AuditLinesRow?)null);
        while (found.Count < count)
        {
            var parameters = Parameters(filter);
            parameters.Add("page", page);
            parameters.Add("beforeAt", before?.LinesAt);
            parameters.Add("beforeId", before?.LinesId);
            var rows = (await connection.QueryAsync<AuditLinesRow>(new CommandDefinition(
                $"""
                select {AuditLinesRow.Columns} from app.audit_lines l
                 where {LinesMatch} and (@beforeId::uuid is null or (l.at, l.id) < (@beforeAt::timestamptz, @beforeId::uuid))
                 order by l.at desc, l.id desc limit @page
                """, parameters, cancellationToken: cancellationToken))).AsList();
            foreach (var row in rows)
                found.AddRange(row.ToEvents().Select((e, i) => (row.LinesId!.Value, i, e)).Where(f => filter.Matches(f.e)));
            if (rows.Count < page)
                break;
            before = rows[^1];
        }
        return found;
    }

    /// <summary>The last sealed events, oldest first, and from where to go on.</summary>
    public async Task<AuditPage> LastSealedAsync(int count, AuditFilter filter, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var head = await HeadAsync(connection, cancellationToken);
        var (events, _) = await ReadSealedAsync(connection, "true", "desc", count, filter, after: 0, head, cancellationToken);
        return new([.. events.OrderBy(e => e.Sequence).TakeLast(count)], head);
    }

    /// <summary>
    /// Sealed events after a place in the chain, oldest first; those of a place are never torn apart, so there may be more than asked for. An event is sealed within
    /// a second of its commit while a gateway runs.
    /// </summary>
    public async Task<AuditPage> AfterAsync(long sequence, int count, AuditFilter filter, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var head = await HeadAsync(connection, cancellationToken);
        if (head <= sequence)
            return new([], sequence);
        var (events, last) = await ReadSealedAsync(connection, "c.sequence > @after and c.first + b.n - 1 > @after", "asc", count, filter, sequence, head, cancellationToken);
        return new(events, last ?? head);
    }

    private static Task<long> HeadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) => connection.QuerySingleAsync<long>(
        new CommandDefinition("select coalesce(max(sequence), 0) from app.audit_chain", cancellationToken: cancellationToken));

    // The events of up to so many places, and the last of these places when there may be more.
    private async Task<(List<SealedEvent> Events, long? Last)> ReadSealedAsync(
        NpgsqlConnection connection, string where, string direction, int count, AuditFilter filter, long after, long head, CancellationToken cancellationToken)
    {
        var parameters = Parameters(filter);
        parameters.Add("count", count);
        parameters.Add("after", after);
        parameters.Add("head", head);
        var rows = (await connection.QueryAsync<SealedRow, SealedLines, SealedRow>(new CommandDefinition(
            $"""
            select c.first + b.n - 1 as sequence, {AuditRow.Columns}, p.salt, p.ciphertext, {AuditLinesRow.Columns}
              from app.audit_chain c cross join lateral unnest(c.event_ids) with ordinality as b (event_id, n)
              left join app.audit_events e on e.id = b.event_id left join app.audit_payloads p on p.event_id = e.id
              left join app.audit_lines l on l.id = b.event_id
             where c.sequence <= @head and {where} and ((e.id is not null and {Matches}) or (l.id is not null and {LinesMatch}))
             order by c.sequence {direction}, b.n {direction} limit @count
            """, parameters, cancellationToken: cancellationToken), (row, lines) => row with { Lines = lines }, splitOn: "LinesId")).AsList();
        var events = new List<SealedEvent>(rows.Count);
        foreach (var row in rows)
        {
            if (row.Lines?.LinesId is null)
                events.Add(new SealedEvent(row.Sequence, row.ToEvent(Query(row))));
            else
                events.AddRange(row.Lines.ToEvents().Where(filter.Matches).Select(e => new SealedEvent(row.Sequence, e)));
        }
        return (events, rows.Count == count ? rows[^1].Sequence : null);
    }

    private static DynamicParameters Parameters(AuditFilter filter)
    {
        var parameters = new DynamicParameters(new { filter.InvestigationId, filter.EventType, EventTypes = filter.EventTypes?.ToArray(), filter.Tool, filter.OrgId, filter.TeamId });
        IEnumerable<string>? types = filter.EventType is { } type ? [type] : filter.EventTypes;
        parameters.Add("types", types?.Select(t => AuditLine.Needle("event_type", t)).ToArray());
        parameters.Add("toolBytes", filter.Tool is { } tool ? AuditLine.Needle("tool", tool) : null);
        return parameters;
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

    private sealed record SealedLines : AuditLinesRow;

    private sealed record SealedRow : AuditRow
    {
        public long Sequence { get; init; }
        public SealedLines? Lines { get; init; }
    }
}
