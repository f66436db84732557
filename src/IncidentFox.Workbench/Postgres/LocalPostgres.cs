using System.Runtime.InteropServices;
using IncidentFox.Workbench.Processes;
using Npgsql;

namespace IncidentFox.Workbench.Postgres;

/// <summary>
/// A PostgreSQL cluster of our own: started in a folder, reached over a private Unix socket and never over TCP, with random
/// passwords, stopped cleanly with <see cref="DisposeAsync"/>, and never outliving this process.
/// </summary>
public sealed class LocalPostgres : IAsyncDisposable
{
    public const string OwnerRole = "incidentfox_owner";
    public const string Database = "incidentfox";
    private readonly ClusterFolder _folder;
    private readonly Server _server;
    private readonly string _ownerPassword;
    private bool _stopped;

    private LocalPostgres(ClusterFolder folder, Server server, string ownerPassword)
    {
        _folder = folder;
        _server = server;
        _ownerPassword = ownerPassword;
    }

    /// <summary>For the role that owns the database `incidentfox` (a superuser).</summary>
    public string OwnerConnectionString => ConnectionStringFor(OwnerRole, _ownerPassword);

    /// <summary>Where the cluster really is: <see cref="LocalPostgresOptions.DataDirectory"/>, unless the server's account cannot reach that.</summary>
    public string DataDirectory => _folder.Root;

    public static async Task<LocalPostgres> StartAsync(LocalPostgresOptions options, CancellationToken cancellationToken = default)
    {
        var folder = await ClusterFolder.OpenAsync(options, cancellationToken);
        Server? server = null;
        try
        {
            await StaleServer.ClearAsync(folder.Cluster, cancellationToken);
            var binaries = PostgresBinaries.Find(folder.Version);
            var password = await InitializeAsync(folder, binaries, options.Ephemeral, cancellationToken);
            server = await StartServerAsync(folder, binaries, options, password, cancellationToken);
            var postgres = new LocalPostgres(folder, server, password);
            await postgres.EnsureDatabaseAsync(cancellationToken);
            return postgres;
        }
        catch
        {
            if (server is not null)
            {
                await server.DisposeAsync();
            }

            folder.Dispose();
            throw;
        }
    }

    public string ConnectionStringFor(string role, string password, string? database = null) =>
        ConnectionString(_server, role, password, database ?? Database);

    /// <summary>
    /// Creates a database, as a copy of <paramref name="template"/> when given, and returns the owner's connection string
    /// for it. Connections to the template are closed: an idle pool would hold it busy.
    /// </summary>
    public async Task<string> CreateDatabaseAsync(string name, string? template = null, CancellationToken cancellationToken = default)
    {
        await using var connection = await OpenUnpooledAsync(cancellationToken);
        if (template is not null)
        {
            await using var disconnect = new NpgsqlCommand(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'", connection);
            disconnect.Parameters.AddWithValue(template);
            await disconnect.ExecuteNonQueryAsync(cancellationToken);
        }

        // CREATE DATABASE takes no parameters; the names are quoted as identifiers.
        using var quoting = new NpgsqlCommandBuilder();
        var from = quoting.QuoteIdentifier(template ?? "template1");
        await using var create = new NpgsqlCommand($"CREATE DATABASE {quoting.QuoteIdentifier(name)} TEMPLATE {from}", connection);
        await create.ExecuteNonQueryAsync(cancellationToken);
        return ConnectionStringFor(OwnerRole, _ownerPassword, name);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stopped)
        {
            return;
        }

        _stopped = true;
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    private static async Task<string> InitializeAsync(ClusterFolder folder, PostgresBinaries binaries, bool ephemeral, CancellationToken cancellationToken)
    {
        var password = folder.ReadOrMakeOwnerPassword();
        if (folder.Version is not null)
        {
            return password;
        }

        // Made under another name and renamed when whole, so that an interrupted initdb is never taken for a cluster.
        if (Directory.Exists(folder.Unfinished))
        {
            Directory.Delete(folder.Unfinished, recursive: true);
        }

        Directory.CreateDirectory(folder.Unfinished, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var passwordForInitdb = Path.Combine(folder.Root, "initdb-password");
        File.Copy(folder.PasswordFile, passwordForInitdb, overwrite: true);
        folder.Account?.Own(folder.Unfinished);
        folder.Account?.Own(passwordForInitdb);
        try
        {
            await ChildProcess.RunAsync(
                new()
                {
                    Program = binaries.Initdb,
                    Arguments =
                    [
                        "-D", folder.Unfinished, $"--username={OwnerRole}", $"--pwfile={passwordForInitdb}", "--auth=scram-sha-256",
                        "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", .. ephemeral ? ["--no-sync"] : Array.Empty<string>(),
                    ],
                    WorkingDirectory = "/",
                    Account = folder.Account,
                },
                cancellationToken);
        }
        finally
        {
            File.Delete(passwordForInitdb);
        }

        Directory.Move(folder.Unfinished, folder.Cluster);
        return password;
    }

    private static async Task<Server> StartServerAsync(
        ClusterFolder folder, PostgresBinaries binaries, LocalPostgresOptions options, string password, CancellationToken cancellationToken)
    {
        var server = Server.Start(folder, binaries, options);
        if (await IsReadyAsync(server, password, cancellationToken))
        {
            return server;
        }

        var said = server.Tail;
        await server.DisposeAsync();
        throw new InvalidOperationException($"PostgreSQL did not start in {folder.Cluster}. It said:\n{said}");
    }

    private static async Task<bool> IsReadyAsync(Server server, string password, CancellationToken cancellationToken)
    {
        var clock = TimeProvider.System;
        var started = clock.GetTimestamp();
        while (!server.HasExited && clock.GetElapsedTime(started) < TimeSpan.FromSeconds(60))
        {
            try
            {
                await using var connection = new NpgsqlConnection(
                    ConnectionString(server, OwnerRole, password, "postgres") + ";Pooling=false");
                await connection.OpenAsync(cancellationToken);
                return true;
            }
            catch (NpgsqlException error) when (error is not PostgresException { SqlState: PostgresErrorCodes.InvalidPassword })
            {
                await Task.Delay(30, cancellationToken);
            }
        }

        return false;
    }

    private static string ConnectionString(Server server, string role, string password, string database) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = server.SocketFolder,
            Port = 5432, // of the socket's name only
            Username = role,
            Password = password,
            Database = database,
            SslMode = SslMode.Disable, // a Unix socket
        }.ConnectionString;

    private async Task<NpgsqlConnection> OpenUnpooledAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(ConnectionStringFor(OwnerRole, _ownerPassword, "postgres") + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    private async Task EnsureDatabaseAsync(CancellationToken cancellationToken)
    {
        await using var connection = await OpenUnpooledAsync(cancellationToken);
        await using var find = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", connection);
        find.Parameters.AddWithValue(Database);
        if (await find.ExecuteScalarAsync(cancellationToken) is null)
        {
            await CreateDatabaseAsync(Database, cancellationToken: cancellationToken);
        }
    }

    /// <summary>The running server process and its socket folder.</summary>
    private sealed class Server(ChildProcess process, string socketFolder) : IAsyncDisposable
    {
        public string SocketFolder => socketFolder;

        public bool HasExited => process.HasExited;

        public string Tail => process.Tail;

        public static Server Start(ClusterFolder folder, PostgresBinaries binaries, LocalPostgresOptions options)
        {
            var sockets = folder.MakeSocketFolder();
            string[] settings =
            [
                "listen_addresses=", "port=5432", $"unix_socket_directories={sockets}", "unix_socket_permissions=0700",
                "max_connections=200", "timezone=UTC", "log_timezone=UTC", "logging_collector=off",
                .. options is { Ephemeral: true, Durable: false } ? ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_wal_size=256MB"] : Array.Empty<string>(),
            ];
            var process = ChildProcess.Start(new()
            {
                Program = binaries.Postgres,
                Arguments = ["-D", folder.Cluster, .. settings.SelectMany(s => (string[])["-c", s])],
                WorkingDirectory = "/",
                Account = folder.Account,
                StopSignal = PosixSignal.SIGINT, // fast shutdown: connections are ended, data is flushed
                OnParentDeath = options.Ephemeral ? PosixSignal.SIGQUIT : PosixSignal.SIGINT,
                LogFile = folder.LogFile,
            });
            return new(process, sockets);
        }

        public async ValueTask DisposeAsync()
        {
            await process.DisposeAsync();
            Directory.Delete(socketFolder, recursive: true);
        }
    }
}
