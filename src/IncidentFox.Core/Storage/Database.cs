using Npgsql;

namespace IncidentFox.Core.Storage;

/// <summary>The database as one of the product's roles sees it. Each role has its own data source; neither can act as the other.</summary>
public sealed class Database(NpgsqlDataSource source)
{
    /// <summary>The connections behind it.</summary>
    public NpgsqlDataSource Source { get; } = source;

    /// <summary>Opens a connection.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) => Source.OpenConnectionAsync(cancellationToken);

    /// <summary>Runs the work in one transaction and commits it; whatever throws rolls all of it back.</summary>
    public async Task<T> InTransactionAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var connection = await Source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var result = await work(connection, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return result;
    }

    /// <summary>The database's clock: the only one deadlines are judged by.</summary>
    public async Task<DateTimeOffset> NowAsync(CancellationToken cancellationToken)
    {
        await using var connection = await Source.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand("select app.clock()", connection);
        return new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(cancellationToken))!);
    }
}
