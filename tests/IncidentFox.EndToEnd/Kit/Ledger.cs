using Dapper;
using Npgsql;

namespace IncidentFox.EndToEnd.Kit;

/// <summary>The product's database, read by its owner: for looking behind what is shown.</summary>
public sealed class Ledger(string ownerConnectionString) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(ownerConnectionString);

    public async Task<T> ReadAsync<T>(string sql, object? parameters = null)
    {
        await using var connection = await _source.OpenConnectionAsync();
        return (await connection.QuerySingleAsync<T>(sql, parameters))!;
    }

    public async Task<IReadOnlyList<T>> ListAsync<T>(string sql, object? parameters = null)
    {
        await using var connection = await _source.OpenConnectionAsync();
        return (await connection.QueryAsync<T>(sql, parameters)).AsList();
    }

    public async Task ExecuteAsync(string sql, object? parameters = null)
    {
        await using var connection = await _source.OpenConnectionAsync();
        await connection.ExecuteAsync(sql, parameters);
    }

    public Task<IReadOnlyList<string>> OpenInvestigationsAsync() => ListAsync<string>(
        "select 'inv_' || replace(id::text, '-', '') from app.investigations where status not in ('completed', 'failed', 'stopped')");

    public Task<string> LatestInvestigationStatusAsync() => ReadAsync<string>("select status from app.investigations order by created_at desc limit 1");

    public Task<string> LatestApprovalStatusAsync() => ReadAsync<string>("select status from app.approvals order by created_at desc limit 1");

    /// <summary>Polls until a query reads as wanted.</summary>
    public async Task UntilAsync<T>(string what, Func<Task<T>> read, T wanted)
    {
        var started = TimeProvider.System.GetTimestamp();
        T seen;
        while (!EqualityComparer<T>.Default.Equals(seen = await read(), wanted))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(90), $"Not seen within 90 s: {what} {wanted}; it is {seen}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Every row of every table as text: jsonb as it is written, bytea in hex.</summary>
    public async Task<string> DumpAsync()
    {
        await using var connection = await _source.OpenConnectionAsync();
        var tables = await connection.QueryAsync<string>(
            """
            select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'
            """);
        var dump = new System.Text.StringBuilder();
        foreach (var table in tables)
        {
            dump.AppendLine(table);
            foreach (var row in await connection.QueryAsync<string>($"select t::text from {table} t"))
                dump.AppendLine(row);
        }
        return dump.ToString();
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();
}
