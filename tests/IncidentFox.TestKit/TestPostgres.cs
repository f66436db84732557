using System.Security.Cryptography;
using IncidentFox.Core.Storage;
using IncidentFox.Workbench.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace IncidentFox.TestKit;

/// <summary>
/// One PostgreSQL per test process, started at the first use, with a migrated template that each test's database is copied from.
/// An assembly fixture: <c>[assembly: AssemblyFixture(typeof(TestPostgres))]</c>; tests take it in their constructor.
/// </summary>
public class TestPostgres : IAsyncDisposable
{
    private const string Template = "template_app";
    private const string BotLogin = "test_bot";
    private const string GatewayLogin = "test_gateway";
    private readonly SemaphoreSlim _turn = new(1);
    private readonly string _password = RandomNumberGenerator.GetHexString(24);
    private LocalPostgres? _server;
    private int _databases;

    /// <summary>A database of its own, migrated and empty.</summary>
    public async Task<TestDatabase> CreateAsync(CancellationToken cancellationToken = default)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            _server ??= await StartAsync(cancellationToken);
            var name = $"test_{++_databases}";
            var owner = await _server.CreateDatabaseAsync(name, Template, cancellationToken);
            return new TestDatabase(
                owner, _server.ConnectionStringFor(BotLogin, _password, name), _server.ConnectionStringFor(GatewayLogin, _password, name));
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>What else the owner installs into the template, once.</summary>
    protected virtual void Prepare(string ownerConnectionString)
    {
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _turn.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task<LocalPostgres> StartAsync(CancellationToken cancellationToken)
    {
        var server = await LocalPostgres.StartAsync(new LocalPostgresOptions { Ephemeral = true }, cancellationToken);
        var owner = await server.CreateDatabaseAsync(Template, cancellationToken: cancellationToken);
        Migrator.Migrate(owner, NullLogger.Instance);
        Prepare(owner);
        await using var connection = new NpgsqlConnection(owner + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var logins = new NpgsqlCommand(
            $"""
            create role {BotLogin} login password '{_password}' in role incidentfox_bot;
            create role {GatewayLogin} login password '{_password}' in role incidentfox_gateway;
            """, connection);
        await logins.ExecuteNonQueryAsync(cancellationToken);
        return server;
    }
}
