using IncidentFox.Core.Investigations;
using IncidentFox.Core.Safety;
using IncidentFox.Core.Storage;
using Npgsql;
using NpgsqlTypes;

namespace IncidentFox.Core.Audit;

/// <summary>
/// Writes many audit rows with one statement, which is its own transaction: one way to the database and back, one flush. The statement also looks whether
/// the sessions that rows were written under still stand, so that no time passes between the look and the row.
/// </summary>
internal sealed class AuditBatchWriter(Database database) : IAsyncDisposable
{
    private const int TimeoutSeconds = 5;

    private static readonly string Sql =
        $"""
        with standing as materialized (
          select n from (
            select g.n, g.role, {SandboxSessions.LowestRoleOfI} as lowest
              from unnest(@g_sandbox, @g_investigation, @g_org, @g_team, @g_role) with ordinality as g (sandbox, investigation, org, team, role, n)
              join app.sandboxes s on s.id = g.sandbox and s.state in ('caged', 'working')
              join app.investigations i on i.id = g.investigation and i.id = s.investigation_id and i.sandbox_id = s.id
               and i.status in ('starting', 'running') and i.org_id = g.org and i.team_id = g.team
               and {Stops.NoneFor("i")}
            offset 0   -- so that the role is worked out once for each
          ) judged where lowest = role
        ), written as (
        insert into app.audit_events (id, event_type, org_id, team_id, user_id, tool, parameters, duration_ms, status,
                                      investigation_id, approval_id, sandbox_id, correlation_id, details, digest)
        select a.id, a.event_type, a.org_id, a.team_id, a.user_id, a.tool, a.parameters::json, a.duration_ms, a.status,
               a.investigation_id, a.approval_id, a.sandbox_id, a.correlation_id, a.details::json, a.digest
          from unnest(@id, @event_type, @org_id, @team_id, @user_id, @tool, @parameters, @duration_ms, @status,
                      @investigation_id, @approval_id, @sandbox_id, @correlation_id, @details, @digest, @guard)
               as a (id, event_type, org_id, team_id, user_id, tool, parameters, duration_ms, status,
                     investigation_id, approval_id, sandbox_id, correlation_id, details, digest, guard)
         where a.guard = 0 or a.guard in (select n from standing)
        )
        select n from standing
        """;

    private NpgsqlConnection? _connection;
    private NpgsqlCommand? _command;

    /// <summary>Writes all entries whose session stands and ends each of them with its outcome; whatever throws has written nothing that is known of.</summary>
    public async Task WriteAsync(IReadOnlyList<AuditEntry> entries)
    {
        var rows = entries.Sum(e => e.Rows.Count);
        var standing = new HashSet<long>();
        IReadOnlyList<int> guards = [];
        if (rows > 0)
        {
            try
            {
                var command = _command ?? await PrepareAsync();
                guards = Fill(command.Parameters, entries, rows);
                await using var reader = await command.ExecuteReaderAsync();
                while (await reader.ReadAsync())
                    standing.Add(reader.GetInt64(0));
            }
            catch (Exception e) when (!AuditBatch.IsRefusal(e))
            {
                // Whatever the connection was in the middle of, the next batch has a new one.
                await CloseAsync();
                throw;
            }
        }
        for (var i = 0; i < entries.Count; i++)
            entries[i].End(rows == 0 || guards[i] == 0 || standing.Contains(guards[i]) ? AuditOutcome.Committed : AuditOutcome.SessionChanged);
    }

    public ValueTask DisposeAsync() => CloseAsync();

    // Kept, so that the statement is planned once and not looked up again.
    private async Task<NpgsqlCommand> PrepareAsync()
    {
        await CloseAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(TimeoutSeconds));
        _connection = await database.OpenAsync(patience.Token);
        var command = new NpgsqlCommand(Sql, _connection) { CommandTimeout = TimeoutSeconds };
        foreach (var (name, type) in Columns)
            command.Parameters.Add(new NpgsqlParameter(name, NpgsqlDbType.Array | type));
        await command.PrepareAsync(patience.Token);
        return _command = command;
    }

    private async ValueTask CloseAsync()
    {
        var (command, connection) = (_command, _connection);
        (_command, _connection) = (null, null);
        if (command is not null)
            await command.DisposeAsync();
        if (connection is not null)
            await connection.DisposeAsync();
    }

    private static readonly (string Name, NpgsqlDbType Type)[] Columns =
    [
        ("id", NpgsqlDbType.Uuid), ("event_type", NpgsqlDbType.Text), ("org_id", NpgsqlDbType.Text), ("team_id", NpgsqlDbType.Text), ("user_id", NpgsqlDbType.Text),
        ("tool", NpgsqlDbType.Text), ("parameters", NpgsqlDbType.Text), ("duration_ms", NpgsqlDbType.Bigint), ("status", NpgsqlDbType.Text),
        ("investigation_id", NpgsqlDbType.Uuid), ("approval_id", NpgsqlDbType.Uuid), ("sandbox_id", NpgsqlDbType.Uuid), ("correlation_id", NpgsqlDbType.Text),
        ("details", NpgsqlDbType.Text), ("digest", NpgsqlDbType.Bytea), ("guard", NpgsqlDbType.Integer),
        ("g_sandbox", NpgsqlDbType.Uuid), ("g_investigation", NpgsqlDbType.Uuid), ("g_org", NpgsqlDbType.Text), ("g_team", NpgsqlDbType.Text), ("g_role", NpgsqlDbType.Integer),
    ];

    // The number of the session that each entry was written under, from 1; 0: under none.
    private static int[] Fill(NpgsqlParameterCollection parameters, IReadOnlyList<AuditEntry> entries, int count)
    {
        var rows = new List<AuditFields>(count);
        var guards = new int[count];
        var ofEntries = new int[entries.Count];
        var sessions = new List<SandboxSession>();
        var numbers = new Dictionary<SandboxSession, int>();   // calls of one sandbox are judged together
        for (var i = 0; i < ofEntries.Length; i++)
        {
            var entry = entries[i];
            var guard = 0;
            if (entry.Under is { } session && !numbers.TryGetValue(session, out guard))
            {
                sessions.Add(session);
                numbers.Add(session, guard = sessions.Count);
            }
            ofEntries[i] = guard;
            foreach (var row in entry.Rows)
            {
                guards[rows.Count] = guard;
                rows.Add(row);
            }
        }
        void Set<T>(string name, Func<AuditFields, T> column) => parameters[name].Value = Array(rows, column);
        void Guard<T>(string name, Func<SandboxSession, T> column) => parameters[name].Value = Array(sessions, column);
        Set("id", r => r.Id);
        Set("event_type", r => r.EventType);
        Set("org_id", r => r.OrgId);
        Set("team_id", r => r.TeamId);
        Set("user_id", r => r.UserId);
        Set("tool", r => r.Tool);
        Set("parameters", r => r.Parameters);
        Set("duration_ms", r => r.DurationMs);
        Set("status", r => r.Status);
        Set("investigation_id", r => r.InvestigationId);
        Set("approval_id", r => r.ApprovalId);
        Set("sandbox_id", r => r.SandboxId);
        Set("correlation_id", r => r.CorrelationId);
        Set("details", r => r.Details);
        Set("digest", r => r.Digest);
        parameters["guard"].Value = guards;
        Guard("g_sandbox", s => s.Sandbox.Value);
        Guard("g_investigation", s => s.Investigation.Value);
        Guard("g_org", s => s.Resource.Org.Value);
        Guard("g_team", s => s.Resource.Team.Value);
        Guard("g_role", s => (int)s.LowestRequesterRole);
        return ofEntries;
    }

    private static TValue[] Array<TItem, TValue>(List<TItem> items, Func<TItem, TValue> value)
    {
        var array = new TValue[items.Count];
        for (var i = 0; i < array.Length; i++)
            array[i] = value(items[i]);
        return array;
    }
}
