using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Core.Storage;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Postgres;
using k8s;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace IncidentFox.Benchmarks.Kubernetes;

/// <summary>A database with durable commits, the double of a cluster, and the driver as the bot has it.</summary>
internal sealed class PodBench : IAsyncDisposable
{
    public const string Ns = "incidentfox-sandboxes";
    private readonly LocalPostgres _server;
    private readonly NpgsqlDataSource _owner;
    private readonly NpgsqlDataSource _bot;

    private PodBench(LocalPostgres server, NpgsqlDataSource owner, NpgsqlDataSource bot) => (_server, _owner, _bot) = (server, owner, bot);

    public KubernetesCluster Cluster { get; private set; } = null!;

    public PodProgram Program { get; set; } = PodProgram.RunsUntilDeleted;

    public KubernetesSandboxOptions Options { get; } = NewOptions();

    public required string BotConnectionString { get; init; }

    private SandboxPodStore Pods => new(new Database(_bot));

    public static async Task<PodBench> StartAsync(CancellationToken ct)
    {
        var server = await LocalPostgres.StartAsync(new LocalPostgresOptions { Ephemeral = true, Durable = true }, ct);
        var owner = await server.CreateDatabaseAsync("pods", cancellationToken: ct);
        Migrator.Migrate(owner, NullLogger.Instance);
        var source = NpgsqlDataSource.Create(owner);
        var password = RandomNumberGenerator.GetHexString(24);
        await using (var connection = await source.OpenConnectionAsync(ct))
        {
            await connection.ExecuteAsync(
                $"""
                create role bench_bot login password '{password}' in role incidentfox_bot;
                insert into app.orgs (id, name) values ('acme', 'Acme');
                insert into app.teams (org_id, id, name) values ('acme', 'sre', 'SRE');
                insert into app.people (id, org_id, display_name) values (gen_random_uuid(), 'acme', 'Otto');
                """);
        }

        var bot = server.ConnectionStringFor("bench_bot", password, "pods") + ";Maximum Pool Size=50";
        var world = new PodBench(server, source, NpgsqlDataSource.Create(bot)) { BotConnectionString = bot };
        // The node takes its steps rarely: with thousands of pods they would be what is measured.
        world.Cluster = await KubernetesCluster.StartAsync(new() { Program = _ => world.Program, StepEvery = TimeSpan.FromMilliseconds(250) }, ct);
        world.Cluster.Create(Object("Namespace", Ns, """{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}""", ns: null));
        world.Cluster.Create(Object("ServiceAccount", "incidentfox-sandbox", "{}", Ns));
        world.Cluster.Create(Object("ConfigMap", "incidentfox-gateway-ca", """{"data":{"ca.crt":"x"}}""", Ns));
        return world;
    }

    public static KubernetesSandboxOptions NewOptions() =>
        new() { Image = "registry.example/incidentfox-agent:0.1.0", GatewayAddress = "10.96.0.40:8443", CageWithin = TimeSpan.FromMinutes(10) };

    public async Task<KubernetesSandboxDriver> DriverAsync(CancellationToken ct, TimeProvider? time = null)
    {
        var client = new k8s.Kubernetes(new KubernetesClientConfiguration { Host = Cluster.Url.AbsoluteUri, AccessToken = Cluster.AdminToken });
        var driver = new KubernetesSandboxDriver(client, Options, Pods, "bench", time ?? TimeProvider.System, NullLogger.Instance);
        return await driver.OpenAsync(ct) is { } problem ? throw new InvalidOperationException(problem) : driver;
    }

    /// <summary>Sandboxes of as many investigations, all at work.</summary>
    public async Task<IReadOnlyList<SandboxSpec>> SandboxesAsync(int count, CancellationToken ct)
    {
        var ids = Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7()).ToArray();
        await using var connection = await _owner.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.investigations (id, org_id, team_id, status, question, requested_by, requester_label, workspace_id, channel_id, sandbox_id)
            select id, 'acme', 'sre', 'running', '\x00', (select id from app.people), 'otto', 'T1', 'C1', id from unnest(@ids) id;
            insert into app.sandboxes (id, investigation_id, driver, state) select id, id, 'kubernetes', 'working' from unnest(@ids) id;
            """, new { ids }, cancellationToken: ct));
        return [.. ids.Select(id => new SandboxSpec(new SandboxId(id), Options.Limits))];
    }

    /// <summary>A pod for each, running and written down, followed by nobody.</summary>
    public async Task PodsAsync(KubernetesSandboxDriver driver, IReadOnlyList<SandboxSpec> specs, CancellationToken ct)
    {
        await Parallel.ForEachAsync(specs, ct, async (spec, token) =>
        {
            var pod = await driver.World.Api.CreateAsync(SandboxPodBuilder.Cold(Options, spec), token);
            await Pods.RecordAsync(pod.Metadata.Uid, Ns, pod.Metadata.Name, Options.Image, spec.Id, "bench", token);
        });
        await RunningAsync(specs.Count, ct);
    }

    /// <summary>Pods that wait, caged.</summary>
    public async Task WarmAsync(KubernetesSandboxDriver driver, int count, CancellationToken ct)
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, count), ct, async (_, token) =>
        {
            var pod = await driver.World.Api.CreateAsync(SandboxPodBuilder.Warm(Options, Guid.NewGuid()), token);
            await Pods.RecordAsync(pod.Metadata.Uid, Ns, pod.Metadata.Name, Options.Image, null, "bench", token);
        });
        await RunningAsync(count, ct);
        await CageAllAsync(ct);
    }

    /// <summary>As the gateway writes it down.</summary>
    public Task CageAllAsync(CancellationToken ct) => ExecuteAsync(
        "update app.sandbox_pods set caged_at = app.clock(), state = case state when 'starting' then 'idle' else state end where state <> 'gone'", ct);

    /// <summary>Every investigation is over: its pod is nobody's.</summary>
    public Task EndAllAsync(CancellationToken ct) => ExecuteAsync(
        "update app.sandboxes set state = 'ended', ended_at = app.clock(), end_reason = 'bench' where state <> 'ended'; update app.investigations set status = 'stopped', ended_at = app.clock() where status = 'running'", ct);

    /// <summary>Nothing is left for what comes next.</summary>
    public async Task ClearAsync(KubernetesSandboxDriver driver, CancellationToken ct)
    {
        await EndAllAsync(ct);
        await driver.DisposeAsync();
        foreach (var pod in Cluster.List("Pod", Ns))
            Cluster.Delete("Pod", Ns, (string)pod["metadata"]!["name"]!);
        await ExecuteAsync("update app.sandbox_pods set state = 'gone', gone_at = app.clock() where state <> 'gone'", ct);
    }

    public async ValueTask DisposeAsync()
    {
        await Cluster.DisposeAsync();
        await _bot.DisposeAsync();
        await _owner.DisposeAsync();
        await _server.DisposeAsync();
    }

    private async Task RunningAsync(int count, CancellationToken ct)
    {
        while (Cluster.List("Pod", Ns).Count(p => (string?)p["status"]?["phase"] == "Running") < count)
            await Task.Delay(100, ct);
    }

    private async Task ExecuteAsync(string sql, CancellationToken ct)
    {
        await using var connection = await _owner.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(new CommandDefinition(sql, commandTimeout: 120, cancellationToken: ct));
    }

    private static JsonObject Object(string kind, string name, string more, string? ns)
    {
        var o = (JsonObject)JsonNode.Parse(more)!;
        (o["apiVersion"], o["kind"]) = ("v1", kind);
        o["metadata"] ??= new JsonObject();
        o["metadata"]!["name"] = name;
        if (ns is not null)
            o["metadata"]!["namespace"] = ns;
        return o;
    }
}
