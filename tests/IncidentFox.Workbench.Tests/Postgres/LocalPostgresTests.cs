using System.Diagnostics;
using IncidentFox.Workbench.Postgres;
using Npgsql;
using Xunit;

namespace IncidentFox.Workbench.Tests.Postgres;

public sealed class LocalPostgresTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("local-postgres-test-").FullName;

    public LocalPostgresTests() => File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private LocalPostgresOptions Kept => new() { DataDirectory = Path.Combine(_folder, "data") };

    [Fact]
    public async Task Data_is_kept_over_a_clean_restart_and_the_password_too()
    {
        string before;
        await using (var first = await LocalPostgres.StartAsync(Kept, Cancel))
        {
            before = new NpgsqlConnectionStringBuilder(first.OwnerConnectionString).Password!;
            await RunAsync(first.OwnerConnectionString, "CREATE TABLE kept(v int); INSERT INTO kept VALUES (7)");
        }

        await using var second = await LocalPostgres.StartAsync(Kept, Cancel);

        Assert.Equal(7, await ScalarAsync<int>(second.OwnerConnectionString, "SELECT v FROM kept"));
        Assert.Equal(before, new NpgsqlConnectionStringBuilder(second.OwnerConnectionString).Password);
    }

    [Fact]
    public async Task A_stale_pid_file_of_a_killed_server_does_not_refuse_the_next_start()
    {
        string pidFile;
        string[] stale;
        await using (var first = await LocalPostgres.StartAsync(Kept, Cancel))
        {
            pidFile = Path.Combine(first.DataDirectory, "cluster", "postmaster.pid");
            stale = await File.ReadAllLinesAsync(pidFile, Cancel);
        }

        Assert.False(File.Exists(pidFile));
        stale[0] = Environment.ProcessId.ToString(); // a pid that is alive and is not PostgreSQL: this test
        await File.WriteAllLinesAsync(pidFile, stale, Cancel);

        await using var second = await LocalPostgres.StartAsync(Kept, Cancel);

        Assert.Equal(1, await ScalarAsync<int>(second.OwnerConnectionString, "SELECT 1"));
    }

    [Fact]
    public async Task A_server_that_still_runs_on_the_cluster_is_stopped_first()
    {
        string root;
        await using (var first = await LocalPostgres.StartAsync(Kept, Cancel))
        {
            root = first.DataDirectory;
        }

        using var orphan = StartByHand(Path.Combine(root, "cluster"));
        await UntilAsync(() => File.Exists(Path.Combine(root, "cluster", "postmaster.pid")));

        await using var second = await LocalPostgres.StartAsync(Kept, Cancel);

        await orphan.WaitForExitAsync(Cancel);
        Assert.Equal(1, await ScalarAsync<int>(second.OwnerConnectionString, "SELECT 1"));
    }

    [Fact]
    public async Task Two_runs_never_share_a_folder()
    {
        await using var first = await LocalPostgres.StartAsync(Kept, Cancel);

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => LocalPostgres.StartAsync(Kept, Cancel));

        Assert.Contains("Another run uses the database", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1, await ScalarAsync<int>(first.OwnerConnectionString, "SELECT 1"));
    }

    [Fact]
    public async Task A_folder_closed_to_the_servers_account_is_replaced_by_one_it_can_reach()
    {
        Assert.SkipUnless(string.Equals(Environment.UserName, "root", StringComparison.Ordinal), "only root has folders that the server's account cannot reach");
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_000_000);
        string elsewhere;
        await using (var postgres = await LocalPostgres.StartAsync(Kept, Cancel))
        {
            elsewhere = postgres.DataDirectory;
            Assert.StartsWith("/var/lib/incidentfox/", elsewhere, StringComparison.Ordinal);
            await RunAsync(postgres.OwnerConnectionString, "CREATE TABLE kept()");
        }

        await using (var again = await LocalPostgres.StartAsync(Kept, Cancel))
        {
            await RunAsync(again.OwnerConnectionString, "SELECT * FROM kept");
        }

        Directory.Delete(elsewhere, recursive: true);
    }

    [Fact]
    public async Task An_ephemeral_cluster_copies_databases_asks_for_passwords_and_is_removed_at_the_end()
    {
        string folder;
        await using (var postgres = await LocalPostgres.StartAsync(new() { Ephemeral = true }, Cancel))
        {
            folder = postgres.DataDirectory;
            var template = await postgres.CreateDatabaseAsync("template_of_tests", cancellationToken: Cancel);
            await RunAsync(template, "CREATE TABLE copied(); CREATE ROLE app LOGIN PASSWORD 'right'");
            await using var pooled = NpgsqlDataSource.Create(template); // keeps an idle connection to the template
            await (await pooled.OpenConnectionAsync(Cancel)).DisposeAsync();

            var copy = await postgres.CreateDatabaseAsync("copy \"1\"", "template_of_tests", Cancel);

            await RunAsync(copy, "SELECT * FROM copied");
            Assert.Equal("UTC", await ScalarAsync<string>(copy, "SHOW timezone"));
            Assert.Equal("UTF8", await ScalarAsync<string>(copy, "SHOW server_encoding"));
            Assert.Equal(1, await ScalarAsync<int>(postgres.ConnectionStringFor("app", "right"), "SELECT 1"));
            var wrong = await Assert.ThrowsAsync<PostgresException>(
                () => ScalarAsync<int>(postgres.ConnectionStringFor("app", "wrong"), "SELECT 1"));
            Assert.Equal(PostgresErrorCodes.InvalidPassword, wrong.SqlState);
        }

        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void A_missing_server_version_says_what_to_install()
    {
        var error = Assert.Throws<InvalidOperationException>(() => PostgresBinaries.Find("9"));

        Assert.Contains("apt-get install postgresql-9", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Process StartByHand(string cluster)
    {
        var postgres = PostgresBinaries.Find(clusterVersion: null).Postgres;
        var start = new ProcessStartInfo("/usr/bin/setpriv") { UseShellExecute = false };
        string[] account = string.Equals(Environment.UserName, "root", StringComparison.Ordinal)
            ? ["--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
        foreach (var argument in (string[])[.. account, "--", postgres, "-D", cluster, "-c", "listen_addresses=", "-c", $"unix_socket_directories={cluster}"])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(20, Cancel);
        }
    }

    private static Task RunAsync(string connectionString, string sql) => ScalarAsync<object>(connectionString, sql);

    private static async Task<T?> ScalarAsync<T>(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync(Cancel);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T?)await command.ExecuteScalarAsync(Cancel);
    }
}
