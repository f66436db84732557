using Npgsql;

namespace IncidentFox.Workbench.Smoke;

/// <summary>The database as its owner sees it: for looking, for moving the clock forward, and for holding a transaction at a chosen point.</summary>
internal sealed class SmokeDatabase(string ownerConnectionString) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(ownerConnectionString);

    public async Task<T> ReadAsync<T>(string sql, CancellationToken ct)
    {
        await using var command = _source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Deadlines are judged by <c>app.clock()</c>, which only the owner can replace.</summary>
    public Task MoveClockAsync(TimeSpan ahead, CancellationToken ct) => ExecuteAsync(
        $"create or replace function app.clock() returns timestamptz language sql volatile return clock_timestamp() + interval '{(int)ahead.TotalSeconds} seconds'", ct);

    /// <summary>From now on a claim of an approved call waits inside the database until released: the moment between approval and execution, made long.</summary>
    public async Task<IAsyncDisposable> HoldClaimsAsync(CancellationToken ct)
    {
        var connection = await _source.OpenConnectionAsync(ct);
        await using var command = new NpgsqlCommand(
            """
            select pg_advisory_lock(4711);
            create function public.hold_claim() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(4711); return new; end $$;
            create trigger a_hold_claim before update on app.approvals for each row
              when (old.status = 'approved' and new.status = 'executing') execute function public.hold_claim();
            grant usage on schema public to incidentfox_gateway;
            """, connection);
        await command.ExecuteNonQueryAsync(ct);
        return new Hold(connection);
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task ExecuteAsync(string sql, CancellationToken ct)
    {
        await using var command = _source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(ct);
    }

    private sealed class Hold(NpgsqlConnection connection) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            // The product was killed, so its waiting session ends when the lock lets it notice; the trigger goes before anything else may claim.
            await using (var command = new NpgsqlCommand(
                """
                select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'incidentfox-gateway';
                drop trigger a_hold_claim on app.approvals;
                drop function public.hold_claim();
                select pg_advisory_unlock(4711);
                """, connection))
                await command.ExecuteNonQueryAsync();
            await connection.DisposeAsync();
        }
    }
}
