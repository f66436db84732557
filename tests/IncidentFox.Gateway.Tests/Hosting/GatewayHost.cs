using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Core.Storage;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Rules;
using IncidentFox.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

[assembly: AssemblyFixture(typeof(TestPostgres))]

namespace IncidentFox.Gateway.Tests.Hosting;

// A real gateway: Kestrel over Unix sockets, PostgreSQL as the gateway's role; only the targets are doubles.
internal sealed class GatewayHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly DirectoryInfo _directory;

    private GatewayHost(TestDatabase database, WebApplication app, DirectoryInfo directory, FakeSender sender, FakePreparer preparer)
    {
        (Database, _app, _directory, Sender, Preparer) = (database, app, directory, sender, preparer);
        Audit = new AuditLog(database.Bot, database.SharedCipher);
    }

    public TestDatabase Database { get; }
    public FakeSender Sender { get; }
    public FakePreparer Preparer { get; }
    public AuditLog Audit { get; }
    public IServiceProvider Services => _app.Services;
    public ISandboxDoor Door => Services.GetRequiredService<ISandboxDoor>();
    public InvestigationStore Investigations => new(Database.Bot, Audit, Database.SharedCipher);

    /// <param name="integrations">Instead of the usual two: file names and what is in them.</param>
    /// <param name="more">What to put in place of the doubles.</param>
    public static async Task<GatewayHost> StartAsync(
        TestPostgres postgres, string policy = "{}", Func<GatewayOptions, GatewayOptions>? change = null,
        IEnumerable<(string File, string Text)>? integrations = null, Action<IServiceCollection>? more = null)
    {
        var database = await postgres.CreateAsync(TestContext.Current.CancellationToken);
        await database.ExecuteAsync("""
            insert into app.orgs values ('acme', 'Acme'); insert into app.teams values ('acme', 'sre', 'SRE'), ('acme', 'web', 'Web');
            """);
        var directory = Directory.CreateTempSubdirectory("ifx");
        var files = directory.CreateSubdirectory("i");
        foreach (var (file, text) in integrations ?? [("k.yaml", Sample.Kubernetes), ("p.yaml", Sample.Prometheus)])
            await File.WriteAllTextAsync(Path.Combine(files.FullName, file), text);
        var options = new GatewayOptions { IntegrationsPaths = [files.FullName], RuntimeDirectory = Path.Combine(directory.FullName, "run") };
        var (sender, preparer) = (new FakeSender(), new FakePreparer());
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGateway(change?.Invoke(options) ?? options);
        builder.Services.AddSingleton(database.Gateway);
        builder.Services.AddSingleton(p => new AuditLog(p.GetRequiredService<Database>(), database.SharedCipher));
        builder.Services.AddSingleton(p => new SandboxSessions(p.GetRequiredService<Database>(), p.GetRequiredService<AuditLog>(), database.SharedCipher));
        builder.Services.AddSingleton(p => new ApprovalReader(p.GetRequiredService<Database>(), database.SharedCipher));
        builder.Services.AddSingleton(p => new ApprovalExecution(p.GetRequiredService<Database>(), p.GetRequiredService<AuditLog>(), database.SharedCipher, database.GatewayCipher));
        builder.Services.AddSingleton<DatabaseSignals>();
        builder.Services.AddHostedService(p => p.GetRequiredService<DatabaseSignals>());
        builder.Services.AddSingleton(new PolicySource(ToolPolicyParser.Parse(policy).Policy!));
        builder.Services.AddSingleton<IUpstreamSender>(sender);
        builder.Services.AddSingleton<IActionPreparer>(preparer);
        more?.Invoke(builder.Services);
        var app = builder.Build();
        app.MapGateway();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new GatewayHost(database, app, directory, sender, preparer);
    }

    // A person asks, and a sandbox is started for it: its door is open.
    public async Task<TestSandbox> OpenAsync(string team = "sre", Role role = Role.Operator, string question = "checkout is returning 5xx")
    {
        var (sandbox, investigation) = await AskAsync(team, role, question);
        return new TestSandbox(this, sandbox, investigation, await Door.OpenAsync(sandbox, TestContext.Current.CancellationToken));
    }

    // A person asks, and a sandbox may be started for it.
    public async Task<(SandboxId Sandbox, InvestigationId Investigation)> AskAsync(string team = "sre", Role role = Role.Operator, string question = "checkout is returning 5xx")
    {
        var ct = TestContext.Current.CancellationToken;
        var person = PersonId.New();
        await Database.ExecuteAsync("""
            insert into app.people values (@Id, 'acme', 'Ann', 'ann@acme.example');
            insert into app.role_grants (id, person_id, org_id, team_id, role, granted_by) values (gen_random_uuid(), @Id, 'acme', @team, @role, 'test');
            -- Somebody who could approve: else nobody would be asked.
            with admin as (insert into app.people values (gen_random_uuid(), 'acme', 'Ida', null) returning id)
            insert into app.role_grants (id, person_id, org_id, team_id, role, granted_by) select gen_random_uuid(), id, 'acme', @team, 'admin', 'test' from admin;
            """, new { Id = person.Value, team, role = role.Name() });
        var principal = new Principal
        {
            Person = person, Org = new OrgId("acme"), DisplayName = "Ann", AuditName = "ann@acme.example", Grants = [new Grant(new TeamId(team), role)],
        };
        var investigation = await Investigations.CreateAsync(new NewInvestigation(
            new Resource(new OrgId("acme"), new TeamId(team)), principal, "ann@acme.example", "T1", "C1", question), ct);
        var sandbox = await Investigations.TryStartAsync(investigation, "local", ct);
        return (sandbox!.Value, investigation);
    }

    public async Task<TestSandbox> OpenCagedAsync(string team = "sre", Role role = Role.Operator)
    {
        var sandbox = await OpenAsync(team, role);
        var hello = await sandbox.SendAsync("POST", Protocol.HelloPath, TestSandbox.Hello());
        Assert.Equal(200, hello.Status);
        return sandbox;
    }

    public async Task<IReadOnlyList<AuditEvent>> AuditAsync(InvestigationId? investigation = null, string? type = null) =>
        await new AuditReader(Database.Owner, Database.SharedCipher).LastAsync(
            1_000, new AuditFilter { InvestigationId = investigation?.Value, EventType = type }, TestContext.Current.CancellationToken);

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await Database.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}

// What a program in the sandbox can do: bytes through its socket.
internal sealed class TestSandbox(GatewayHost host, SandboxId id, InvestigationId investigation, string socket)
{
    public SandboxId Id { get; } = id;
    public InvestigationId Investigation { get; } = investigation;
    public string SocketPath { get; } = socket;

    public static string Hello(bool reached = false, params string[] kinds) => new JsonObject
    {
        ["v"] = 1, ["type"] = "hello", ["agent_version"] = "test",
        ["cage"] = new JsonArray([.. (kinds.Length > 0 ? kinds : ["loopback", "metadata", "outside", "dns", "private", "ipv6"]).Select(k => new JsonObject
        {
            ["kind"] = k, ["target"] = "192.0.2.1:1", ["reached"] = reached, ["detail"] = "NetworkUnreachable",
        })]),
    }.ToJsonString();

    public static string ToolRequest(string arguments, string? reason = null) =>
        $$"""{"v":1,"type":"tool_request","arguments":{{arguments}}{{(reason is null ? "" : $",\"reason\":\"{reason}\"")}}}""";

    public Task<Answer> CallAsync(string tool, string arguments, string? reason = null) => SendAsync("POST", $"/tools/{tool}", ToolRequest(arguments, reason));

    public Task<Answer> SendAsync(string method, string target, string? body = null, params string[] headers) =>
        RawAsync($"{method} {target} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{string.Concat(headers.Select(h => h + "\r\n"))}"
            + (body is null ? "\r\n" : $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"));

    // Byte for byte, as no HTTP library would let us.
    public async Task<Answer> RawAsync(string bytes)
    {
        var ct = TestContext.Current.CancellationToken;
        using var connection = await ConnectAsync();
        using var stream = new NetworkStream(connection);
        using var answer = new MemoryStream();
        try
        {
            await connection.SendAsync(Encoding.Latin1.GetBytes(bytes).AsMemory(), ct);
        }
        catch (SocketException)
        {
            // Answered and closed before it was all said.
        }
        try
        {
            await stream.CopyToAsync(answer, ct);
        }
        catch (IOException)
        {
            // Cut off: what came before is the answer.
        }
        return Answer.Parse(answer.ToArray());
    }

    public async Task<Socket> ConnectAsync()
    {
        var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await connection.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), TestContext.Current.CancellationToken);
        return connection;
    }

    public async Task StopAsync() =>
        await host.Investigations.EndAsync(Investigation, InvestigationState.Stopped, "ann@acme.example", null, null, TestContext.Current.CancellationToken);
}

internal sealed record Answer(int Status, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string Source => Headers.GetValueOrDefault(Protocol.SourceHeader, "");

    public JsonObject Json => (JsonObject)JsonNode.Parse(Body)!;

    public string Code => (string)Json["code"]!;

    public string Message => (string)Json["message"]!;

    public static Answer Parse(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        if (text.Length == 0)
            return new(0, new Dictionary<string, string>(), "");
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        // Not HTTP/1.1: a frame that says goodbye to somebody who spoke HTTP/2.
        if (end < 0)
            return new(505, new Dictionary<string, string>(), "");
        var lines = text[..end].Split("\r\n");
        var headers = lines.Skip(1).Select(l => l.Split(": ", 2)).GroupBy(p => p[0], StringComparer.OrdinalIgnoreCase)
            .ToDictionary(g => g.Key, g => string.Join(", ", g.Select(p => p[1])), StringComparer.OrdinalIgnoreCase);
        var body = text[(end + 4)..];
        return new(int.Parse(lines[0].Split(' ')[1]), headers, headers.ContainsKey("transfer-encoding") ? Unchunk(body) : body);
    }

    private static string Unchunk(string body)
    {
        var text = new StringBuilder();
        while (body.IndexOf("\r\n", StringComparison.Ordinal) is var end and > 0 && Convert.ToInt32(body[..end], 16) is var length and > 0)
        {
            text.Append(body.AsSpan(end + 2, length));
            body = body[(end + 4 + length)..];
        }
        return text.ToString();
    }
}
