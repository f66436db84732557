using Dapper;
using Npgsql;

namespace IncidentFox.Core.Audit;

/// <summary>
/// Which calls began and were not seen to end. It reads the trail once, a stretch at a time, and keeps what is open; where it has read to is written down in
/// the same transaction, so it may stop anywhere. One at a time: the caller holds a lock.
/// </summary>
public sealed class AuditCalls
{
    private const int RowsAtOnce = 5_000;

    // By now whatever has an earlier time is committed: no statement that writes to the trail may take so long.
    private const string Settled = "interval '1 minute'";

    private static readonly string[] Begins = [AuditEventTypes.ToolRequested, AuditEventTypes.ModelRequested];
    private static readonly string[] Ends = [AuditEventTypes.ToolExecuted, AuditEventTypes.ToolRefused, AuditEventTypes.ApprovalRequested, AuditEventTypes.ModelAnswered];

    /// <summary>Reads the next stretch; true: there is more.</summary>
    public async Task<bool> ReadOnAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Two rows may have the same time: a stretch has all of a time or none.
        var rows = (await connection.QueryAsync<Stretch>(new CommandDefinition(
            $"""
            select l.id, l.at, l.lines, null as type, null as correlation from app.audit_lines l, app.calls_swept s
             where l.at > s.until and l.at <= app.clock() - {Settled} order by l.at fetch first {RowsAtOnce} rows with ties
            """, cancellationToken: cancellationToken))).AsList();
        var isWhole = rows.Count < RowsAtOnce;
        var until = isWhole
            ? await connection.QuerySingleAsync<DateTime>(new CommandDefinition($"select app.clock() - {Settled}", cancellationToken: cancellationToken))
            : rows[^1].At;
        rows.AddRange(await connection.QueryAsync<Stretch>(new CommandDefinition(
            """
            select e.id, e.at, null as lines, e.event_type as type, e.correlation_id as correlation from app.audit_events e, app.calls_swept s
             where e.at > s.until and e.at <= @until and e.correlation_id is not null
               and (e.event_type = any(@Ends) or (e.event_type = any(@Begins) and e.approval_id is null))
            """, new { until, Ends, Begins }, cancellationToken: cancellationToken)));
        await KeepAsync(connection, rows, cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "update app.calls_swept set until = @until where until < @until", new { until }, cancellationToken: cancellationToken));
        return !isWhole;
    }

    private static async Task KeepAsync(NpgsqlConnection connection, List<Stretch> rows, CancellationToken ct)
    {
        var begun = new Dictionary<string, Stretch>(StringComparer.Ordinal);
        var ended = new HashSet<string>(StringComparer.Ordinal);
        foreach (var row in rows)
        {
            foreach (var (type, correlation) in row.Lines is null ? [(row.Type!, row.Correlation!)] : AuditLine.Heads(row.Lines))
            {
                if (Begins.Contains(type, StringComparer.Ordinal))
                    begun.TryAdd(correlation, row);
                else if (Ends.Contains(type, StringComparer.Ordinal))
                    ended.Add(correlation);
            }
        }
        var open = begun.Where(b => !ended.Contains(b.Key)).ToArray();
        await connection.ExecuteAsync(new CommandDefinition(
            """
            delete from app.calls_open where correlation_id = any(@ended);
            insert into app.calls_open (correlation_id, row_id, at) select * from unnest(@correlations, @ids, @times) on conflict do nothing
            """,
            new
            {
                ended = ended.Where(e => !begun.ContainsKey(e)).ToArray(), correlations = open.Select(o => o.Key).ToArray(), ids = open.Select(o => o.Value.Id).ToArray(),
                times = open.Select(o => o.Value.At).ToArray(),
            }, cancellationToken: ct));
    }

    /// <summary>Takes the events with which calls began that are open for longer, oldest first: they are not open any more.</summary>
    public async Task<IReadOnlyList<AuditEvent>> OpenLongerThanAsync(NpgsqlConnection connection, TimeSpan grace, int atMost, CancellationToken cancellationToken)
    {
        var taken = (await connection.QueryAsync<(string Correlation, Guid Row)>(new CommandDefinition(
            """
            delete from app.calls_open where correlation_id in (select correlation_id from app.calls_open where at < app.clock() - @grace order by at limit @atMost)
            returning correlation_id, row_id
            """, new { grace, atMost }, cancellationToken: cancellationToken))).AsList();
        var ids = new { ids = taken.Select(t => t.Row).Distinct().ToArray() };
        var lines = await connection.QueryAsync<AuditLinesRow>(new CommandDefinition(
            $"select {AuditLinesRow.Columns} from app.audit_lines l where l.id = any(@ids)", ids, cancellationToken: cancellationToken));
        var events = await connection.QueryAsync<AuditRow>(new CommandDefinition(
            $"select {AuditRow.Columns} from app.audit_events e where e.id = any(@ids)", ids, cancellationToken: cancellationToken));
        var correlations = taken.Select(t => t.Correlation).ToHashSet(StringComparer.Ordinal);
        return [.. lines.SelectMany(l => l.ToEvents()).Concat(events.Select(e => e.ToEvent()))
            .Where(e => Begins.Contains(e.EventType, StringComparer.Ordinal) && e.CorrelationId is { } correlation && correlations.Remove(correlation))
            .OrderBy(e => e.At)];
    }

    private sealed record Stretch
    {
        public Guid Id { get; init; }
        public DateTime At { get; init; }
        public byte[]? Lines { get; init; }
        public string? Type { get; init; }
        public string? Correlation { get; init; }
    }
}
