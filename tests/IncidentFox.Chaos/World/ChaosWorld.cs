using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Chaos.World;

/// <summary>
/// A bot alone, a process with bot and gateway, and two gateways alone, on one database; Slack, the target and the cluster of the bot's sandboxes at the
/// network's edge. A bot and a gateway are killed each by itself, and both at once.
/// </summary>
internal sealed class ChaosWorld : IAsyncDisposable
{
    public const string Signing = "chaos-signing-secret";
    private const int PerInvestigation = 10;
    private static readonly TeamId Team = new("sre");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ifx-chaos-");
    private readonly Dictionary<string, Queue<InvestigationId>> _investigations = [];
    private readonly SemaphoreSlim _clock = new(1);
    private ApprovalExecution _asking = null!;
    private IntegrationCatalog _catalog = null!;

    public TestDatabase Database { get; private set; } = null!;
    public KubernetesCluster Cluster { get; private set; } = null!;
    public SlackDouble Slack { get; private set; } = null!;
    public SlackFront Front { get; private set; } = null!;
    public Target Target { get; private set; } = null!;
    public IReadOnlyList<Product> Bots { get; private set; } = [];
    public IReadOnlyList<Product> Gateways { get; private set; } = [];
    public IReadOnlyList<Uri> BotUrls { get; private set; } = [];
    public IReadOnlyDictionary<string, Guid> People { get; private set; } = new Dictionary<string, Guid>();

    public IEnumerable<Product> Processes => Bots.Concat(Gateways);

    public static async Task<ChaosWorld> StartAsync(TestPostgres postgres, int histories, CancellationToken ct)
    {
        var world = new ChaosWorld();
        try
        {
            await world.StartPartsAsync(postgres, histories, ct);
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    /// <summary>Both bots are up: a history that nobody can take part in would show nothing. What happens to them afterwards is the history's.</summary>
    public async Task BotsUpAsync(CancellationToken ct)
    {
        while (!Bots.All(b => b.IsUp))
            await Task.Delay(20, ct);
    }

    /// <summary>The gateway asks people, as it does for an agent; the call is frozen by the gateway's own code.</summary>
    public async Task<(ApprovalId Id, byte[] Digest)> AskAsync(string entry, string requester, int required, TimeSpan timeout, bool provable, CancellationToken ct)
    {
        var tool = provable ? "book_entry" : "ring_bell";
        using var arguments = JsonDocument.Parse($$"""{"entry":"{{entry}}"}""");
        var call = (ParsedCall.Call)ToolDoor.Parse(_catalog, Team, tool, arguments.RootElement);
        var frozen = ActionPreparer.Freeze(call.Integration, call.Rule, call.ToolCall, provable ? new JsonObject { ["version"] = "v0" } : [], new string('0', 64));
        InvestigationId investigation;
        lock (_investigations)
        {
            investigation = _investigations[requester].Dequeue();
            _investigations[requester].Enqueue(investigation);
        }
        var asked = await _asking.RequestAsync(new ApprovalRequest
        {
            Resource = new Resource(new OrgId("acme"), Team),
            Investigation = investigation,
            Sandbox = SandboxId.New(),
            UserId = requester,
            Frozen = frozen,
            Effect = new EffectPreview { Title = $"Book {entry}", Request = $"{frozen.Method} {frozen.Origin}{frozen.PathAndQuery}", Facts = [], Changes = [], DryRun = "none" },
            Workflow = new Workflow { RequiredApprovers = required, TimeoutMinutes = (decimal)timeout.TotalMinutes },
            MaxPending = 10_000,
            CorrelationId = entry,
        }, ct);
        Assert.True(asked is { Joined: false, Refused: null }, $"not asked: {asked}");
        return (asked.Id, frozen.Digest());
    }

    /// <summary>Ends database sessions of the product as a failing network would.</summary>
    public Task CutAsync(string application) => Database.ExecuteAsync(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like @application and pid <> pg_backend_pid()", new { application });

    /// <summary>The database's clock is somewhere else for a while. One at a time.</summary>
    public async Task SkewAsync(TimeSpan ahead, TimeSpan during)
    {
        await _clock.WaitAsync();
        try
        {
            await Database.ShiftClockAsync(ahead);
            await Task.Delay(during);
            await Database.ShiftClockAsync(TimeSpan.Zero);
        }
        finally
        {
            _clock.Release();
        }
    }

    /// <summary>kill -9 for whoever holds this approval's lease.</summary>
    public async Task KillSenderAsync(string approval)
    {
        if (!ApprovalId.TryParse(approval, out var id))
            throw new InvalidOperationException($"The target was told '{approval}', which is no approval.");
        var owner = (await Database.QueryAsync<string?>("select lease_owner from app.approvals where id = @Value", new { id.Value })).Single();
        if (owner?.Split('/') is [_, var pid, _] && Processes.FirstOrDefault(p => p.Is(int.Parse(pid))) is { } sender)
            await sender.KillAsync(TimeSpan.FromMilliseconds(100), unless: () => !sender.Is(int.Parse(pid)));
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Processes.Select(p => p.DisposeAsync().AsTask()));
        if (Front is not null)
            await Front.DisposeAsync();
        if (Slack is not null)
            await Slack.DisposeAsync();
        if (Cluster is not null)
            await Cluster.DisposeAsync();
        if (Target is not null)
            await Target.DisposeAsync();
        if (Database is not null)
            await Database.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>The end of each process's log.</summary>
    public string Logs => string.Join('\n', _folder.GetFiles("*.log").Select(f => $"--- {f.Name}\n{string.Join('\n', File.ReadLines(f.FullName).TakeLast(15))}"));

    private async Task StartPartsAsync(TestPostgres postgres, int histories, CancellationToken ct)
    {
        // Sandboxes run as users of their own, who pass through here.
        File.SetUnixFileMode(_folder.FullName, File.GetUnixFileMode(_folder.FullName) | UnixFileMode.OtherExecute);
        Database = await postgres.CreateAsync(ct);
        await Database.ExecuteAsync(Witness.Sql);
        Target = await Target.StartAsync();
        Target.KillSender = KillSenderAsync;
        Slack = await SlackDouble.StartAsync(new SlackDoubleOptions { Url = "http://127.0.0.1:0", SigningSecret = Signing, Limits = new SlackLimits { RateLimitsOn = false } }, ct);
        Front = await SlackFront.StartAsync(Slack.Url);
        Cluster = await KubernetesCluster.StartAsync(cancellationToken: ct);
        Cluster.Create(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = "incidentfox-sandboxes" } });
        var load = IntegrationLoader.Load([WriteIntegration()]);
        _catalog = load.Catalog ?? throw new InvalidOperationException(string.Join('\n', load.Errors));
        _asking = new ApprovalExecution(Database.Gateway, new AuditLog(Database.Gateway, Database.SharedCipher), Database.SharedCipher, Database.GatewayCipher);
        await AddPeopleAsync(histories, ct);
        BotUrls = [FreeUrl(), FreeUrl()];
        Bots = [.. BotUrls.Select((url, i) => new Product($"bot-{i}", i == 0 ? "bot" : "all", WriteConfiguration($"bot-{i}", url, withPods: i == 0)))];
        Gateways = [.. Enumerable.Range(0, 2).Select(i => new Product($"gateway-{i}", "gateway", WriteConfiguration($"gateway-{i}", FreeUrl(), withPods: false)))];
        var (exitCode, said) = await ProductProcess.RunAsync(Installed.Product, ["migrate", "--config", Path.Combine(_folder.FullName, "bot-0.json")], ct);
        if (exitCode != 0)
            throw new InvalidOperationException($"The database could not be prepared:\n{said}");
        await Task.WhenAll(Processes.Select(p => p.StartAsync(ct)));
    }

    // Investigations that are over already: nothing but their approvals is to be seen here, and no sandbox is started for them.
    private async Task AddPeopleAsync(int histories, CancellationToken ct)
    {
        var audit = new AuditLog(Database.Bot, Database.SharedCipher);
        await new DirectorySync(Database.Bot, audit).ApplyAsync(new DirectoryOptions
        {
            Id = "acme", Name = "Acme", SlackWorkspace = DemoPeople.TeamId,
            Teams = [new TeamOptions { Id = "sre", Name = "SRE", Channels = [DemoPeople.Incidents, DemoPeople.Approvals] }],
            People = [.. Histories.HistoryPlan.Admins.Select(a => new PersonOptions { Slack = a, Name = a, Email = $"{a.ToLowerInvariant()}@acme.test", Roles = [new RoleOptions { Team = "sre", Role = "admin" }] })],
        }, ct);
        var identities = new IdentityStore(Database.Bot);
        var store = new InvestigationStore(Database.Bot, audit, Database.SharedCipher);
        var people = new Dictionary<string, Guid>();
        foreach (var admin in Histories.HistoryPlan.Admins)
        {
            var person = (await identities.FindSlackUserAsync(DemoPeople.TeamId, admin, ct))!;
            people[admin] = person.Person.Value;
            _investigations[admin] = new Queue<InvestigationId>();
            for (var i = 0; i <= histories / 4 / PerInvestigation; i++)
            {
                _investigations[admin].Enqueue(await store.CreateAsync(new NewInvestigation(
                    new Resource(new OrgId("acme"), Team), person, admin, DemoPeople.TeamId, DemoPeople.Incidents, "what is it?"), ct));
            }
        }
        People = people;
        await Database.ExecuteAsync("update app.investigations set status = 'completed', started_at = app.clock(), ended_at = app.clock()");
    }

    private string WriteIntegration()
    {
        var folder = _folder.CreateSubdirectory("integrations");
        File.WriteAllText(Path.Combine(folder.FullName, "ledger.yaml"), $$"""
            integration: ledger
            description: What is counted
            base_url: http://127.0.0.1:{{Target.Port}}
            auth: {scheme: none}
            network: {allow: ["127.0.0.0/8"]}
            limits: {per_second: 10000, concurrent: 1000, timeout_seconds: 20}
            types:
              entry: {type: string, description: Entry, pattern: "[a-z0-9-]+", max_length: 60}
            tools:
              get_entry: {description: Reads an entry., effect: read, request: "GET /entries/{entry}", parameters: {entry: entry}, data: entries}
              book_entry:
                description: Books an entry.
                effect: write
                request: POST /entries/{entry}
                parameters: {entry: entry}
                data: entries
                precondition: {read: get_entry, with: {entry: "{entry}"}, capture: {version: /version} }
                body: {approval: "{approval.id}", version: "{precondition.version}"}
                preview: {title: "Book {entry}"}
                proof:
                  read: get_entry
                  with: {entry: "{entry}"}
                  rules:
                    - when: [{at: /approval, equals: "{approval.id}"}]
                      then: done
                    - when: [{at: /version, equals: "{precondition.version}"}]
                      then: not_done
              ring_bell:
                description: Rings a bell.
                effect: write
                request: POST /bells/{entry}
                parameters: {entry: entry}
                data: bells
                body: {approval: "{approval.id}"}
                preview: {title: "Ring {entry}"}
            """);
        return folder.FullName;
    }

    private string WriteConfiguration(string name, Uri url, bool withPods)
    {
        var folder = _folder.CreateSubdirectory(name);
        var secrets = folder.CreateSubdirectory("secrets");
        foreach (var directory in new[] { folder, secrets })
            File.SetUnixFileMode(directory.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string Secret(string secret, string value)
        {
            var path = Path.Combine(secrets.FullName, secret);
            File.WriteAllText(path, value);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return $"file://{path}";
        }
        var database = new JsonObject
        {
            ["ColumnKey"] = Secret("column-key", Convert.ToBase64String([.. Enumerable.Repeat((byte)1, 32)])),
            ["FrozenCallKey"] = Secret("frozen-key", Convert.ToBase64String([.. Enumerable.Repeat((byte)2, 32)])),
        };
        foreach (var (setting, connection) in new[] { ("Owner", Database.OwnerConnectionString), ("Bot", Database.BotConnectionString), ("Gateway", Database.GatewayConnectionString) })
        {
            var builder = new Npgsql.NpgsqlConnectionStringBuilder(connection) { ApplicationName = $"chaos-{name}", MaxPoolSize = 16 };
            if (!string.IsNullOrEmpty(builder.Password))
                database[$"{setting}Password"] = Secret($"database-{setting}", builder.Password);
            builder.Password = null;
            database[setting] = builder.ConnectionString;
        }
        var runtime = Path.Combine(_folder.FullName, "r" + name[0] + name[^1]);
        var people = new JsonArray([.. Histories.HistoryPlan.Admins.Select(a => new JsonObject
        {
            ["Slack"] = a, ["Name"] = a, ["Email"] = $"{a.ToLowerInvariant()}@acme.test", ["Roles"] = new JsonArray(new JsonObject { ["Team"] = "sre", ["Role"] = "admin" }),
        })]);
        var file = Path.Combine(_folder.FullName, $"{name}.json");
        File.WriteAllText(file, new JsonObject
        {
            ["Http"] = new JsonObject { ["Url"] = url.GetLeftPart(UriPartial.Authority) },
            ["Slack"] = new JsonObject { ["ApiBaseUrl"] = new Uri(Front.Url, "api/").AbsoluteUri, ["BotToken"] = Secret("bot-token", Slack.Options.BotToken), ["SigningSecret"] = Secret("signing", Signing) },
            ["Database"] = database,
            ["Secrets"] = new JsonObject { ["File"] = new JsonObject { ["Directories"] = new JsonArray(secrets.FullName) } },
            ["Organization"] = new JsonObject
            {
                ["Id"] = "acme", ["Name"] = "Acme", ["SlackWorkspace"] = DemoPeople.TeamId, ["People"] = people,
                ["Teams"] = new JsonArray(new JsonObject { ["Id"] = "sre", ["Name"] = "SRE", ["Channels"] = new JsonArray(DemoPeople.Incidents, DemoPeople.Approvals) }),
            },
            ["Gateway"] = new JsonObject { ["IntegrationsPaths"] = new JsonArray(Path.Combine(_folder.FullName, "integrations")), ["RuntimeDirectory"] = runtime },
            ["Sandbox"] = withPods
                ? new JsonObject
                {
                    ["Kubernetes"] = new JsonObject
                    {
                        ["Image"] = "registry.example/incidentfox-agent:0.1.0", ["GatewayAddress"] = "10.96.0.40:8443",
                        ["Kubeconfig"] = Secret("kubeconfig", Cluster.Kubeconfig(Cluster.AdminToken, "incidentfox-sandboxes"))["file://".Length..],
                    },
                }
                : new JsonObject { ["Local"] = new JsonObject { ["AgentPath"] = Installed.Agent, ["Driver"] = "bubblewrap", ["RuntimeDirectory"] = runtime } },
            ["Bot"] = new JsonObject { ["Workers"] = 2 },
            ["Logging"] = new JsonObject { ["Format"] = "text" },
        }.ToJsonString());
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }

    private static Uri FreeUrl()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return new Uri($"http://127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}/");
    }
}
