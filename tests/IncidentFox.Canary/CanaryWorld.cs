using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Storage;
using IncidentFox.EndToEnd.Kit;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.Secrets;
using IncidentFox.TestKit;
using IncidentFox.TestKit.KeyVault;
using IncidentFox.TestKit.Kubernetes;
using IncidentFox.TestKit.Probe;
using IncidentFox.TestKit.Vault;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Canary;

/// <summary>One gateway with a fresh random secret in every source, targets that quote what they are told, and sandboxes of one driver.</summary>
internal sealed class CanaryWorld : IAsyncDisposable, ILoggerProvider
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ifc");
    private readonly Dictionary<string, string> _secrets = [];
    private Reflector _reflector = null!;
    private KeyVaultDouble _vault = null!;
    private VaultDouble _hashicorp = null!;
    private SecretApiDouble _cluster = null!;
    private ISandboxDriver _driver = null!;

    public GatewayHost Host { get; private set; } = null!;

    public ConcurrentQueue<string> Logged { get; } = [];

    /// <summary>Every secret, by where it is kept.</summary>
    public IReadOnlyDictionary<string, string> Secrets => _secrets;

    public string Planted { get; } = "planted-" + Guid.NewGuid().ToString("N");

    public int Reflected => _reflector.Reflected;

    public static async Task<CanaryWorld> StartAsync(TestPostgres postgres, string driver)
    {
        var world = new CanaryWorld
        {
            _reflector = await Reflector.StartAsync(8), _vault = await KeyVaultDouble.StartAsync(), _hashicorp = await VaultDouble.StartAsync(TimeProvider.System), _cluster = await SecretApiDouble.StartAsync(),
        };
        foreach (var source in new[] { "file-read", "file-write", "env", "keyvault", "hashicorp", "cluster", "payments" })
            world._secrets[source] = $"canary-{source}-{Guid.NewGuid():N}";
        world._reflector.Planted = world.Planted;
        // The first needle is what was planted; then every spelling of every secret.
        world._reflector.Needles = [.. ProbeSession.Needles([world.Planted, .. world._secrets.Values.SelectMany(Spellings)]).Split(' ')];
        world.Host = await GatewayHost.StartAsync(postgres, change: o => new Gateway.GatewayOptions
        {
            IntegrationsPaths = o.IntegrationsPaths, RuntimeDirectory = Path.Combine(world._directory.FullName, "g"), RequestsPerSecond = 1_000,
        }, integrations: world.Integrations(), more: world.Replace);
        world._driver = await world.DriverAsync(driver);
        return world;
    }

    /// <summary>One investigation from start to end; what its agent said it had seen.</summary>
    public async Task<(InvestigationId Investigation, string Said)> InvestigateAsync()
    {
        var ct = TestContext.Current.CancellationToken;
        var (id, investigation) = await Host.AskAsync();
        var start = await _driver.StartAsync(new SandboxSpec(id, new SandboxLimits(TimeSpan.FromMinutes(2), 256L * 1024 * 1024, 48)), ct);
        var sandbox = ((SandboxStart.Started)start).Sandbox;
        var exit = await sandbox.Exited.WaitAsync(TimeSpan.FromMinutes(2), ct);
        Assert.True(exit.Kind == SandboxExitKind.Finished, $"{exit.Kind}: {exit.LogTail}");
        Assert.DoesNotContain("canary-", exit.LogTail, StringComparison.Ordinal);
        var timeline = await Host.Investigations.TimelineAsync(investigation, 0, ct);
        await Host.Investigations.EndAsync(investigation, InvestigationState.Completed, "system", null, null, ct);
        return (investigation, (string)JsonNode.Parse(Assert.Single(timeline).BodyJson)!["text"]!);
    }

    /// <summary>All that is kept, as text: every row of every table, what is encrypted in it also in clear, the audit trail and the log.</summary>
    public async Task<IReadOnlyDictionary<string, string>> KeptAsync(IEnumerable<InvestigationId> investigations)
    {
        var ct = TestContext.Current.CancellationToken;
        var words = new StringBuilder();
        foreach (var id in investigations)
        {
            foreach (var e in await Host.Investigations.TimelineAsync(id, 0, ct))
                words.AppendLine(e.BodyJson);
            words.AppendLine((await Host.Investigations.FindAsync(id, ct))!.ReportJson);
        }
        return new Dictionary<string, string>
        {
            ["database"] = await DumpAsync(),
            ["audit"] = string.Join('\n', (await Host.AuditAsync()).Select(r => AuditJson.Format(r).ToJsonString())),
            ["log"] = string.Join('\n', Logged),
            ["agents' words"] = words.ToString(),
        };
    }

    public async ValueTask DisposeAsync()
    {
        if (_driver is IAsyncDisposable driver)
            await driver.DisposeAsync();
        await Host.DisposeAsync();
        await _vault.DisposeAsync();
        await _hashicorp.DisposeAsync();
        await _cluster.DisposeAsync();
        await _reflector.DisposeAsync();
        Environment.SetEnvironmentVariable(Variable, null);
        _directory.Delete(recursive: true);
    }

    private string Variable => "INCIDENTFOX_CANARY_" + Planted["planted-".Length..];

    private async Task<ISandboxDriver> DriverAsync(string driver)
    {
        // The probe becomes the canary's agent by a word behind its executable.
        var agent = Path.Combine(_directory.FullName, "agent");
        await File.WriteAllBytesAsync(agent, [.. await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "probe", "sandbox-probe")), .. "\ncanary-agent\n"u8]);
        File.SetUnixFileMode(agent, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        // Sandboxes run as users of their own, who pass through here.
        File.SetUnixFileMode(_directory.FullName, File.GetUnixFileMode(_directory.FullName) | UnixFileMode.OtherExecute);
        var options = new LocalSandboxOptions { AgentPath = agent, Driver = driver, RuntimeDirectory = Path.Combine(_directory.FullName, "s"), GVisorPlatform = "ptrace" };
        return await LocalSandboxes.ChooseAsync(options, Host.Door, TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken) switch
        {
            LocalSandboxChoice.Chosen(var chosen) => chosen,
            LocalSandboxChoice.Refused(_, var sentence) => throw new InvalidOperationException("The proof needs this driver on this machine: " + sentence),
            _ => throw new InvalidOperationException("No driver and no reason."),
        };
    }

    private IEnumerable<(string File, string Text)> Integrations()
    {
        Environment.SetEnvironmentVariable(Variable, _secrets["env"]);
        _vault.Contents.Set("canary", _secrets["keyvault"]);
        _hashicorp.Tokens.AppRole = ("role-1", null);
        _hashicorp.Contents.Set("canary", "password", _secrets["hashicorp"]);
        _cluster.Set("incidentfox", "canary", "password", _secrets["cluster"]);
        yield return ("k.yaml", $$"""
            integration: kubernetes
            extends: kubernetes
            base_url: http://127.0.0.1:{{_reflector.Ports[0]}}
            auth: {read: "{{Kept("file-read")}}", write: "{{Kept("file-write")}}"}
            network: {allow: ["127.0.0.0/8"]}
            """);
        yield return Own("env", 1, "sre", $"{{scheme: bearer, read: \"env://{Variable}\"}}");
        yield return Own("vault", 2, "sre", $"{{scheme: header, header: X-Api-Key, read: \"keyvault://{_vault.Vault}/canary\"}}");
        yield return Own("files", 3, "sre", $"{{scheme: bearer, read: \"{Kept("file-read")}\"}}");
        yield return Own("hashicorp", 6, "sre", "{scheme: bearer, read: \"vault://secret/canary#password\"}");
        yield return Own("cluster", 7, "sre", "{scheme: basic, username: reader, read: \"k8s://incidentfox/canary#password\"}");
        yield return Own("payments", 4, "web", $"{{scheme: bearer, read: \"{Kept("payments")}\"}}");
        yield return ("n.yaml", $$"""
            integration: needles
            description: What to look for
            base_url: http://127.0.0.1:{{_reflector.Ports[5]}}
            auth: {scheme: none}
            network: {allow: ["127.0.0.0/8"]}
            tools:
              needles: {description: What to look for., effect: read, request: GET /needles, data: needles}
            """);
    }

    private (string File, string Text) Own(string name, int port, string team, string auth) => ($"{name}.yaml", $$"""
        integration: {{name}}
        description: Orders
        team: {{team}}
        base_url: http://127.0.0.1:{{_reflector.Ports[port]}}
        auth: {{auth}}
        network: {allow: ["127.0.0.0/8"]}
        tools:
          read_{{name}}: {description: Reads orders., effect: read, request: GET /orders, rows: /items, data: orders}
          fail_{{name}}: {description: Fails., effect: read, request: GET /failure, data: orders}
        """);

    private string Kept(string name)
    {
        var directory = Directory.CreateDirectory(Path.Combine(_directory.FullName, "secrets"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var path = Path.Combine(directory.FullName, name);
        File.WriteAllText(path, _secrets[name]);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return "file://" + path;
    }

    private string ClusterToken()
    {
        var path = Path.Combine(_directory.FullName, "token");
        File.WriteAllText(path, _cluster.Token);
        return path;
    }

    private void Replace(IServiceCollection services)
    {
        services.RemoveAll<IUpstreamSender>();
        services.RemoveAll<IActionPreparer>();
        services.AddSingleton(_vault.Connection);
        services.AddSecrets(new SecretsOptions
        {
            Vault = new VaultOptions { Address = _hashicorp.Address, CaFile = _hashicorp.CaFile, Auth = new VaultAuthOptions { Method = "approle", RoleId = "role-1" } },
            Kubernetes = new KubernetesOptions { ApiServer = _cluster.Address, CaFile = _cluster.Authority.CaFile, TokenFile = ClusterToken() },
            AllowEnvironment = true, File = new FileSecretsOptions { Directories = [Path.Combine(_directory.FullName, "secrets")], MountedDirectories = [] },
        });
        services.AddSending();
        services.AddSingleton<InstanceLock>();
        services.AddHostedService(p => p.GetRequiredService<InstanceLock>());
        services.AddExecution();
        services.AddSingleton<ILoggerProvider>(this);
    }

    private static IEnumerable<string> Spellings(string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        yield return secret;
        yield return Convert.ToHexStringLower(bytes);
        yield return Convert.ToHexString(bytes);
        for (var offset = 0; offset < 3; offset++)
        {
            // The characters that do not depend on what stands before and after.
            var text = Convert.ToBase64String([.. new byte[offset], .. bytes]);
            yield return text[(((offset * 8) + 5) / 6)..((offset + bytes.Length) * 8 / 6)];
        }
    }

    private async Task<string> DumpAsync()
    {
        var tables = await Host.Database.QueryAsync<string>(
            """
            select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where c.relkind in ('r', 'p', 'v') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'
            """);
        var dump = new StringBuilder();
        foreach (var table in tables)
        {
            foreach (var row in await Host.Database.QueryAsync<string>($"select t::text from {table} t"))
                dump.AppendLine(row);
        }
        return dump.ToString();
    }

    ILogger ILoggerProvider.CreateLogger(string categoryName) => new Lines(this);

    void IDisposable.Dispose()
    {
    }

    private sealed class Lines(CanaryWorld world) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            world.Logged.Enqueue($"{logLevel} {formatter(state, exception)} {exception}");
    }
}
