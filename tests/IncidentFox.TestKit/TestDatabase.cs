using System.Globalization;
using Dapper;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.TestKit;

/// <summary>One test's database: as the owner, as the bot and as the gateway see it. The clock that deadlines are judged by can be moved.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private readonly List<NpgsqlDataSource> _sources = [];

    internal TestDatabase(string owner, string bot, string gateway)
    {
        OwnerConnectionString = owner;
        BotConnectionString = bot;
        GatewayConnectionString = gateway;
        Owner = Open(owner);
        Bot = Open(bot);
        Gateway = Open(gateway);
    }

    /// <summary>A superuser: migrations, moving the clock, looking behind the scenes.</summary>
    public string OwnerConnectionString { get; }

    /// <summary>A login in <c>incidentfox_bot</c> and nothing else.</summary>
    public string BotConnectionString { get; }

    /// <summary>A login in <c>incidentfox_gateway</c> and nothing else.</summary>
    public string GatewayConnectionString { get; }

    /// <summary>As the owner.</summary>
    public Database Owner { get; }

    /// <summary>As the bot.</summary>
    public Database Bot { get; }

    /// <summary>As the gateway.</summary>
    public Database Gateway { get; }

    /// <summary>The key both roles share.</summary>
    public ColumnCipher SharedCipher { get; } = new([.. Enumerable.Repeat((byte)1, 32)]);

    /// <summary>The gateway's own key.</summary>
    public ColumnCipher GatewayCipher { get; } = new([.. Enumerable.Repeat((byte)2, 32)]);

    /// <summary>From now on <c>app.clock()</c> runs this much ahead of the real one (or behind it).</summary>
    public Task ShiftClockAsync(TimeSpan ahead) => ExecuteAsync(string.Create(CultureInfo.InvariantCulture,
        $"create or replace function app.clock() returns timestamptz language sql volatile return clock_timestamp() + make_interval(secs => {ahead.TotalSeconds})"));

    /// <summary>From now on <c>app.clock()</c> stands still at this time.</summary>
    public Task FreezeClockAsync(DateTimeOffset at) => ExecuteAsync(
        $"create or replace function app.clock() returns timestamptz language sql volatile return '{at:yyyy-MM-dd HH:mm:ss.ffffff}Z'::timestamptz");

    /// <summary>Runs SQL as the owner; returns the number of rows changed.</summary>
    public async Task<int> ExecuteAsync(string sql, object? parameters = null)
    {
        await using var connection = await Owner.OpenAsync(CancellationToken.None);
        return await connection.ExecuteAsync(sql, parameters);
    }

    /// <summary>Reads as the owner.</summary>
    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? parameters = null)
    {
        await using var connection = await Owner.OpenAsync(CancellationToken.None);
        return (await connection.QueryAsync<T>(sql, parameters)).AsList();
    }

    /// <summary>Closes its connections and removes the database.</summary>
    public async ValueTask DisposeAsync()
    {
        var name = new NpgsqlConnectionStringBuilder(OwnerConnectionString).Database;
        foreach (var source in _sources)
            await source.DisposeAsync();
        var elsewhere = new NpgsqlConnectionStringBuilder(OwnerConnectionString) { Database = "postgres", Pooling = false };
        await using var connection = new NpgsqlConnection(elsewhere.ConnectionString);
        await connection.OpenAsync();
        await connection.ExecuteAsync($"drop database if exists \"{name}\" with (force)");
    }

    private Database Open(string connectionString)
    {
        var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { MaxPoolSize = 20 });
        _sources.Add(source);
        return new Database(source);
    }
}
