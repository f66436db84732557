using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Storage;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.Secrets;
using IncidentFox.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace IncidentFox.Gateway.Tests.HostileAgent;

/// <summary>The whole gateway, nothing replaced but the servers at the network's edge, with two teams: sre has Kubernetes and a shop, web has payments.</summary>
internal sealed class HostileWorld : IAsyncDisposable, IHostResolver, ILoggerProvider
{
    public const string ReadSecret = "canary-read-4f7Yq+/93kd==";
    public const string WriteSecret = "canary-write-Zp81LLq0";
    public const string PaymentsSecret = "canary-payments-7712aa";
    public const string Restart = """{"namespace":"shop","pod":"checkout-1"}""";

    private readonly DirectoryInfo _secrets = Directory.CreateTempSubdirectory("ifxs");

    public GatewayHost Host { get; private set; } = null!;

    public HostileUpstream Upstream { get; private set; } = null!;

    /// <summary>What names resolve to.</summary>
    public Func<string, IReadOnlyList<IPAddress>> Names { get; set; } = _ => [IPAddress.Loopback];

    public ConcurrentQueue<string> Resolved { get; } = [];

    public ConcurrentQueue<string> Logged { get; } = [];

    /// <param name="tap">Given a target's port, the port that the gateway is told instead.</param>
    public static async Task<HostileWorld> StartAsync(
        TestPostgres postgres, string policy = "{}", string shopHost = "127.0.0.1", Func<GatewayOptions, GatewayOptions>? change = null, Func<int, int>? tap = null)
    {
        var world = new HostileWorld { Upstream = await HostileUpstream.StartAsync() };
        world.Host = await GatewayHost.StartAsync(postgres, policy, change, world.Integrations(shopHost, tap ?? (port => port)), world.Replace);
        return world;
    }

    /// <summary>Asserts that nobody outside was reached.</summary>
    public void NothingWasSent() => Assert.Empty(Upstream.Seen);

    /// <summary>Somebody else's work goes on.</summary>
    public async Task NeighbourWorksAsync(TestSandbox neighbour) => Assert.Equal(200, (await neighbour.CallAsync("list_nodes", "{}")).Status);

    public async Task<AuditEvent> AlertAsync(TestSandbox sandbox, string kind)
    {
        AuditEvent? alert = null;
        await UntilAsync($"an alert {kind}", async () => (alert = (await AlertsAsync(sandbox)).FirstOrDefault(a => (string)a.Details!["kind"]! == kind)) is not null);
        Assert.Equal("denied", alert!.Status);
        // Said after it was committed.
        await UntilAsync($"a warning of {kind}", () => Task.FromResult(Logged.Any(l => l.StartsWith("Warning 50", StringComparison.Ordinal) && l.Contains(kind, StringComparison.Ordinal))));
        return alert;
    }

    public Task<IReadOnlyList<AuditEvent>> AlertsAsync(TestSandbox sandbox) => Host.AuditAsync(sandbox.Investigation, AuditEventTypes.SecurityAlert);

    /// <summary>An admin of the team, other than whoever asked, agrees.</summary>
    public async Task ApproveAsync(string approval, string team = "sre")
    {
        var ct = TestContext.Current.CancellationToken;
        Assert.True(ApprovalId.TryParse(approval, out var id));
        var person = PersonId.New();
        await Host.Database.ExecuteAsync("""
            insert into app.people values (@Id, 'acme', 'Ada', 'ada@acme.example');
            insert into app.role_grants (id, person_id, org_id, team_id, role, granted_by) values (gen_random_uuid(), @Id, 'acme', @team, 'admin', 'test');
            """, new { Id = person.Value, team });
        var admin = new Principal
        {
            Person = person, Org = new OrgId("acme"), DisplayName = "Ada", AuditName = "ada@acme.example", Grants = [new Grant(new TeamId(team), Role.Admin)],
        };
        var vote = await new ApprovalVoting(Host.Database.Bot, Host.Audit).ApproveAsync(id, admin, "T1:UADA", ct);
        Assert.True(vote.Accepted);
    }

    public async Task<string> StateAsync(TestSandbox sandbox, string approval) =>
        (string)(await sandbox.SendAsync("GET", Contracts.Protocol.ApprovalPathPrefix + approval)).Json["state"]!;

    public async Task ExecutedAsync(TestSandbox sandbox, string approval) =>
        await UntilAsync("the execution", async () => await StateAsync(sandbox, approval) == "executed");

    public static async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        for (var i = 0; i < 400; i++)
        {
            if (await holds())
                return;
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
        throw new TimeoutException($"Not seen: {what}.");
    }

    /// <summary>No form of a secret is in a text that a sandbox, a log reader or an auditor gets.</summary>
    public static void NoSecretIn(string text)
    {
        foreach (var secret in new[] { ReadSecret, WriteSecret, PaymentsSecret })
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(secret);
            string[] forms = [secret, Convert.ToBase64String(bytes).TrimEnd('='), Convert.ToHexString(bytes), Uri.EscapeDataString(secret), JsonValue.Create(secret).ToJsonString().Trim('"')];
            Assert.All(forms, f => Assert.DoesNotContain(f, text, StringComparison.OrdinalIgnoreCase));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Upstream.DisposeAsync();
        _secrets.Delete(recursive: true);
        // Whatever a test did: nothing that was logged may hold a secret, or a line of its own making.
        foreach (var line in Logged)
        {
            NoSecretIn(line);
            Assert.DoesNotContain('\u001b', line);
        }
    }

    private void Replace(IServiceCollection services)
    {
        services.RemoveAll<IUpstreamSender>();
        services.RemoveAll<IActionPreparer>();
        services.AddSecrets(new SecretsOptions { File = new FileSecretsOptions { Directories = [_secrets.FullName], MountedDirectories = [] } });
        services.AddSingleton<IHostResolver>(this);
        services.AddSending();
        services.AddSingleton<InstanceLock>();
        services.AddHostedService(p => p.GetRequiredService<InstanceLock>());
        services.AddExecution();
        services.AddSingleton<ILoggerProvider>(this);
    }

    private IEnumerable<(string File, string Text)> Integrations(string shopHost, Func<int, int> tap)
    {
        var (read, write, payments) = (Secret("read", ReadSecret), Secret("write", WriteSecret), Secret("payments", PaymentsSecret));
        yield return ("k.yaml", $$"""
            integration: kubernetes
            extends: kubernetes
            base_url: http://127.0.0.1:{{tap(Upstream.Kubernetes)}}
            auth: {read: "{{read}}", write: "{{write}}"}
            network: {allow: ["127.0.0.0/8"]}
            """);
        yield return ("s.yaml", $$$"""
            integration: shop
            description: The shop
            team: sre
            base_url: http://{{{shopHost}}}:{{{tap(Upstream.Shop)}}}/api
            auth: {scheme: bearer, read: "{{{read}}}"}
            network: {allow: ["127.0.0.0/8"]}
            limits: {response_bytes: 65536, timeout_seconds: 5}
            tools:
              search:
                description: Searches the shop.
                effect: read
                request: GET /search
                query: {q: "{q}"}
                parameters: {q: {type: string, description: What to look for, max_length: 4000}}
                rows: /items
                data: shop/search
              get_item:
                description: Reads one item.
                effect: read
                request: GET /items/{item}
                parameters: {item: {type: string, description: Which item, max_length: 500}}
                data: shop/items
              ask:
                description: Asks the shop in its own language.
                effect: read
                request: POST /ask
                body: {filter: "{filter}", size: 10}
                parameters: {filter: {type: string, description: What to look for, max_length: 4000}}
                data: shop/ask
            """);
        yield return ("p.yaml", $$"""
            integration: payments
            description: Payments
            team: web
            base_url: http://127.0.0.1:{{tap(Upstream.Payments)}}
            auth: {scheme: bearer, read: "{{payments}}"}
            network: {allow: ["127.0.0.0/8"]}
            tools:
              list_payments:
                description: Lists payments.
                effect: read
                request: GET /payments
                rows: /items
                data: payments
            """);
    }

    private string Secret(string name, string value)
    {
        var path = Path.Combine(_secrets.FullName, name);
        File.WriteAllText(path, value);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.SetUnixFileMode(_secrets.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return "file://" + path;
    }

    Task<IReadOnlyList<IPAddress>> IHostResolver.ResolveAsync(string host, CancellationToken cancellationToken)
    {
        Resolved.Enqueue(host);
        return Task.FromResult(Names(host));
    }

    // As the product logs: of the framework, warnings only.
    ILogger ILoggerProvider.CreateLogger(string categoryName) =>
        new Lines(this, categoryName.StartsWith("Microsoft.", StringComparison.Ordinal) ? LogLevel.Warning : LogLevel.Information);

    void IDisposable.Dispose()
    {
    }

    private sealed class Lines(HostileWorld world, LogLevel least) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                world.Logged.Enqueue($"{logLevel} {eventId.Id} {formatter(state, exception)} {exception}");
        }
    }
}
