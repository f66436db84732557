using IncidentFox.Core.Investigations;
using IncidentFox.Core.Safety;
using IncidentFox.Core.Storage;
using Npgsql;
using NpgsqlTypes;

namespace IncidentFox.Core.Audit;

/// <summary>
/// Writes the lines of many with one statement, which is its own transaction: one way to the database and back, one flush. The statement also looks whether
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
        insert into app.audit_lines (id, org_id, team_id, investigation_id, sandbox_id, events, lines, digest)
        select a.id, a.org, a.team, a.investigation, a.sandbox, case when holds then a.events else a.free_events end,
               case when holds then a.free || a.guarded else a.free end, case when holds then a.digest else a.free_digest end
          from unnest(@id, @org, @team, @investigation, @sandbox, @guard, @free_events, @free, @free_digest, @events, @guarded, @digest)
               as a (id, org, team, investigation, sandbox, guard, free_events, free, free_digest, events, guarded, digest)
          cross join lateral (select a.guard = 0 or a.guard in (select n from standing) as holds) g
         where holds or a.free_events > 0
        )
        select n from standing
        """;

    private NpgsqlConnection? _connection;
    private NpgsqlCommand? _command;

    /// <summary>Writes all entries whose session stands and ends each of them with its outcome; whatever throws has written nothing that is known of.</summary>
    public async Task WriteAsync(IReadOnlyList<AuditEntry> entries)
    {
        var rows = AuditLineRows.Of(entries);
        var standing = new HashSet<long>();
        if (rows.Rows.Count > 0)
        {
            try
            {
                var command = _command ?? await PrepareAsync();
                Fill(command.Parameters, rows);
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
            entries[i].End(rows.GuardOf(i) is var guard && (guard == 0 || standing.Contains(guard)) ? AuditOutcome.Committed : AuditOutcome.SessionChanged);
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
        ("id", NpgsqlDbType.Uuid), ("org", NpgsqlDbType.Text), ("team", NpgsqlDbType.Text), ("investigation", NpgsqlDbType.Uuid), ("sandbox", NpgsqlDbType.Uuid),
        ("guard", NpgsqlDbType.Integer), ("free_events", NpgsqlDbType.Integer), ("free", NpgsqlDbType.Bytea), ("free_digest", NpgsqlDbType.Bytea),
        ("events", NpgsqlDbType.Integer), ("guarded", NpgsqlDbType.Bytea), ("digest", NpgsqlDbType.Bytea),
        ("g_sandbox", NpgsqlDbType.Uuid), ("g_investigation", NpgsqlDbType.Uuid), ("g_org", NpgsqlDbType.Text), ("g_team", NpgsqlDbType.Text), ("g_role", NpgsqlDbType.Integer),
    ];

    private static void Fill(NpgsqlParameterCollection parameters, AuditLineRows batch)
    {
        var (rows, sessions) = (batch.Rows, batch.Sessions);
        Set("id", rows, r => r.Id);
        Set("org", rows, r => r.Scope.Org);
        Set("team", rows, r => r.Scope.Team);
        Set("investigation", rows, r => r.Scope.Investigation);
        Set("sandbox", rows, r => r.Scope.Sandbox);
        Set("guard", rows, r => r.Guard);
        Set("free_events", rows, r => r.FreeEvents);
        Set("free", rows, r => r.Free);
        Set("free_digest", rows, r => r.FreeDigest);
        Set("events", rows, r => r.Events);
        Set("guarded", rows, r => r.Guarded);
        Set("digest", rows, r => r.Digest);
        Set("g_sandbox", sessions, s => s.Sandbox.Value);
        Set("g_investigation", sessions, s => s.Investigation.Value);
        Set("g_org", sessions, s => s.Resource.Org.Value);
        Set("g_team", sessions, s => s.Resource.Team.Value);
        Set("g_role", sessions, s => (int)s.LowestRequesterRole);

        void Set<TItem, TValue>(string name, IReadOnlyList<TItem> items, Func<TItem, TValue> value)
        {
            var array = new TValue[items.Count];
            for (var i = 0; i < array.Length; i++)
                array[i] = value(items[i]);
            parameters[name].Value = array;
        }
    }
}
