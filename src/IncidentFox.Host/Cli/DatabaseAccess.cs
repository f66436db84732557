using IncidentFox.Core.Storage;
using IncidentFox.Host.Configuration;
using IncidentFox.Secrets;
using Microsoft.Extensions.Options;
using Npgsql;

namespace IncidentFox.Host.Cli;

/// <summary>The database for commands: to read, as the gateway's role where it is configured, else as the bot's; to change what people may change, as the bot's.</summary>
public sealed class DatabaseAccess : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source;

    private DatabaseAccess(NpgsqlDataSource source, ColumnCipher cipher)
    {
        _source = source;
        Database = new Database(source);
        Cipher = cipher;
    }

    /// <summary>The database.</summary>
    public Database Database { get; }

    /// <summary>Opens questions.</summary>
    public ColumnCipher Cipher { get; }

    /// <summary>Opens it; null after every error was printed.</summary>
    public static async Task<DatabaseAccess?> OpenAsync(FileInfo? config, CancellationToken cancellationToken, bool asBot = false)
    {
        if (Start.Load(config) is not { } configuration)
            return null;
        var options = configuration.GetSection(DatabaseOptions.Section).Get<DatabaseOptions>() ?? new DatabaseOptions();
        var asGateway = !asBot && !string.IsNullOrEmpty(options.Gateway);
        var (name, login, password) = asGateway
            ? (nameof(options.Gateway), options.Gateway, options.GatewayPassword)
            : (nameof(options.Bot), options.Bot, options.BotPassword);
        var errors = new List<string>();
        DatabaseOptions.CheckLogin(errors, name, login, password);
        if (errors.Count > 0)
            return Start.Refuse<DatabaseAccess>(errors);
        await using var services = Start.Secrets(configuration, errors);
        if (services is null)
            return Start.Refuse<DatabaseAccess>(errors);
        var secrets = new SecretResolver(services.GetRequiredService<SecretStore>());
        var connectionString = await secrets.ConnectionStringAsync($"{DatabaseOptions.Section}:{name}", login, password, "cli", cancellationToken);
        var key = await secrets.KeyAsync($"{DatabaseOptions.Section}:ColumnKey", options.ColumnKey, cancellationToken);
        if (secrets.Errors.Count > 0)
            return Start.Refuse<DatabaseAccess>(secrets.Errors);
        var source = NpgsqlDataSource.Create(connectionString);
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            return new DatabaseAccess(source, new ColumnCipher(key!));
        }
        catch (NpgsqlException e)
        {
            await source.DisposeAsync();
            return Start.Refuse<DatabaseAccess>([$"The database does not answer: {e.Message}"]);
        }
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _source.DisposeAsync();
}
