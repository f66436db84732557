using System.Net.Sockets;
using System.Text.Json.Nodes;
using IncidentFox.Benchmarks.Gateway.Contestants;
using IncidentFox.Core.Storage;
using IncidentFox.Workbench.Stack;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace IncidentFox.Benchmarks.Gateway;

/// <summary>What the gateway needs around it: PostgreSQL with durable commits, an integration, and sandboxes whose investigations are open.</summary>
internal sealed class GatewayEstate : IAsyncDisposable
{
    /// <summary>Each with an investigation of its own.</summary>
    public const int Sandboxes = 32;

    private readonly StackDatabase _database;
    private readonly NpgsqlDataSource _owner;
    private readonly string _control;

    private GatewayEstate(StackDatabase database, NpgsqlDataSource owner, OwnContestant gateway, string control) =>
        (_database, _owner, Gateway, _control) = (database, owner, gateway, control);

    public OwnContestant Gateway { get; }

    public static async Task<GatewayEstate> StartAsync(string folder, Backend backend, CancellationToken ct)
    {
        var database = await StackDatabase.StartAsync(Path.Combine(folder, "pg"), new StackOptions { DataDirectory = folder, Ephemeral = true, DurableDatabase = true }, ct);
        Migrator.Migrate(database.OwnerConnectionString, NullLogger.Instance);
        var owner = NpgsqlDataSource.Create(database.OwnerConnectionString);
        var sandboxes = await FillAsync(owner, ct);
        var control = Path.Combine(folder, "control.sock");
        var config = Configure(folder, database, backend);
        List<string> arguments = ["--config", config, "--control", control, "--sandboxes", .. sandboxes.Select(s => s.ToString())];
        // The doors are known when it has opened them; until then it has none.
        var starting = new OwnContestant("gateway", folder, arguments, new Doors([]), "");
        try
        {
            var doors = await DoorsAsync(starting, control, ct);
            return new GatewayEstate(database, owner, starting.With(new Doors(doors), "/i/bench"), control);
        }
        catch
        {
            await starting.DisposeAsync();
            await owner.DisposeAsync();
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>What calls waited for their audit rows since this was asked last, milliseconds.</summary>
    public async Task<IReadOnlyList<double>> AuditWaitsAsync(CancellationToken ct) =>
        [.. (await AskAsync(_control, "/waits", ct)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(w => double.Parse(w, System.Globalization.CultureInfo.InvariantCulture))];

    /// <summary>How many audit rows there are, and how many of them wait to be sealed.</summary>
    public async Task<(long Rows, long Unsealed)> AuditRowsAsync(CancellationToken ct)
    {
        await using var command = _owner.CreateCommand("select (select count(*) from app.audit_events) + (select coalesce(sum(events), 0) from app.audit_lines), (select coalesce(sum(cardinality(event_ids)), 0)::bigint from app.audit_unsealed)");
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return (row.GetInt64(0), row.GetInt64(1));
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await _owner.DisposeAsync();
        await _database.DisposeAsync();
    }

    private static async Task<List<Guid>> FillAsync(NpgsqlDataSource owner, CancellationToken ct)
    {
        await using var command = owner.CreateCommand(
            $"""
            insert into app.orgs values ('acme', 'Acme'); insert into app.teams values ('acme', 'sre', 'SRE');
            insert into app.people select gen_random_uuid(), 'acme', 'P' || n, 'p' || n || '@acme.test' from generate_series(1, {Sandboxes}) n;
            insert into app.role_grants (id, person_id, org_id, team_id, role, granted_by) select gen_random_uuid(), id, 'acme', 'sre', 'operator', 'bench' from app.people;
            insert into app.investigations (id, org_id, team_id, status, question, requested_by, requester_label, workspace_id, channel_id, sandbox_id)
              select gen_random_uuid(), 'acme', 'sre', 'running', '', id, email, 'T1', 'C1', gen_random_uuid() from app.people;
            insert into app.investigation_requesters (investigation_id, person_id) select id, requested_by from app.investigations;
            insert into app.sandboxes (id, investigation_id, driver, state) select sandbox_id, id, 'local', 'working' from app.investigations;
            analyze;
            """);
        await command.ExecuteNonQueryAsync(ct);
        await using var ids = owner.CreateCommand("select id from app.sandboxes");
        await using var rows = await ids.ExecuteReaderAsync(ct);
        var sandboxes = new List<Guid>();
        while (await rows.ReadAsync(ct))
            sandboxes.Add(rows.GetGuid(0));
        return sandboxes;
    }

    private static string Configure(string folder, StackDatabase database, Backend backend)
    {
        var files = new StackFiles(Path.Combine(folder, "run"));
        var integration = Path.Combine(files.IntegrationsDirectory, "bench.yaml");
        var reference = files.Secret("bench-token", Backend.Token);
        // Limits are not what is measured.
        File.WriteAllText(integration, Integration(backend, reference, "limits: {concurrent: 10000, per_second: 1000000, per_sandbox_concurrent: 10000, per_sandbox_per_second: 1000000}"));
        var logins = database.Logins.ToDictionary(l => l.Setting, l => new NpgsqlConnectionStringBuilder(l.ConnectionString), StringComparer.Ordinal);
        var password = logins["Gateway"].Password!;
        logins["Gateway"].Remove("Password");
        var config = new JsonObject
        {
            ["Database"] = new JsonObject
            {
                ["Gateway"] = logins["Gateway"].ConnectionString,
                ["GatewayPassword"] = files.Secret("gateway-password", password),
                ["ColumnKey"] = files.Secret("column-key", StackFiles.NewKey()),
                ["FrozenCallKey"] = files.Secret("frozen-call-key", StackFiles.NewKey()),
            },
            ["Secrets"] = new JsonObject { ["File"] = new JsonObject { ["Directories"] = new JsonArray(Path.Combine(files.RunDirectory, "secrets")) } },
            ["Gateway"] = new JsonObject
            {
                ["IntegrationsPaths"] = new JsonArray(files.IntegrationsDirectory),
                ["RuntimeDirectory"] = Path.Combine(folder, "doors"),
                ["RequestsPerSecond"] = 1_000,
                ["ConcurrentRequests"] = 64,
            },
            ["Logging"] = new JsonObject { ["Format"] = "text" },
        };
        var file = Path.Combine(files.RunDirectory, "appsettings.json");
        File.WriteAllText(file, config.ToJsonString());
        return file;
    }

    private static string Integration(Backend backend, string reference, string limits) =>
        $$"""
        integration: bench
        description: The backend that everybody is measured against
        base_url: http://127.0.0.1:{{backend.Port}}
        auth: {scheme: bearer, read: "{{reference}}"}
        network: {allow: [127.0.0.0/8]}
        {{limits}}
        tools:
          get_data:
            description: Serves a file.
            effect: read
            request: GET /data/{name}
            parameters:
              name: {type: string, description: Which, pattern: "[0-9a-z]+"}
            rows: /items
            data: bench/data
        """;

    private static async Task<IReadOnlyList<string>> DoorsAsync(OwnContestant gateway, string control, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            if (gateway.HasExited || patience.IsCancellationRequested)
                throw new InvalidOperationException($"The gateway did not start:\n{gateway.Tail}");
            try
            {
                return (await AskAsync(control, "/doors", patience.Token)).Split('\n');
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !ct.IsCancellationRequested)
            {
                await Task.Delay(100, ct);
            }
        }
    }

    private static async Task<string> AskAsync(string control, string path, CancellationToken ct)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, connecting) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(control), connecting);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        return await http.GetStringAsync(new Uri("http://control" + path), ct);
    }
}
