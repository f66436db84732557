using System.Collections.Concurrent;
using System.Text.Json;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.Secrets;
using IncidentFox.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Xunit;

namespace IncidentFox.Gateway.Tests.Integrations;

/// <summary>A whole gateway, set up for one vendor as an installation would, with its credentials in files; the vendor is a double on loopback.</summary>
internal sealed class VendorWorld : IAsyncDisposable, ILoggerProvider, ILogger
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ifv");
    private readonly VendorTls? _tls;
    private VendorDouble? _vendor;
    private GatewayHost? _host;

    private VendorWorld(VendorFile file)
    {
        File = file;
        _tls = file.Tls ? new VendorTls() : null;
        Right = file.Secrets.ToDictionary(s => s.Key, s => s.Value switch
        {
            "@client_certificate" => _tls!.ClientCertificate,
            "@client_key" => _tls!.ClientKey,
            "@rsa_key" => VendorKeys.Rsa,
            "@google_key" => VendorKeys.Google(VendorKeys.Rsa),
            var text => text,
        });
    }

    public VendorFile File { get; }

    public VendorDouble Vendor => _vendor!;

    public GatewayHost Host => _host!;

    /// <summary>The right credentials.</summary>
    public IReadOnlyDictionary<string, string> Right { get; }

    /// <summary>What the gateway was given; the same, unless the test gives it wrong ones.</summary>
    public IReadOnlyDictionary<string, string> Given { get; private set; } = new Dictionary<string, string>();

    public ConcurrentQueue<string> Logged { get; } = new();

    public Integration Integration => Host.Services.GetRequiredService<IntegrationSource>().Current.All.Single();

    /// <param name="postgres">Where the audit rows go.</param>
    /// <param name="name">The vendor.</param>
    /// <param name="wrong">The gateway's files hold other credentials than the right ones.</param>
    /// <param name="writable">False: the installation names no credential for writes.</param>
    public static async Task<VendorWorld> StartAsync(TestPostgres postgres, string name, bool wrong = false, bool writable = true)
    {
        var world = new VendorWorld(VendorFile.Load(name));
        world._vendor = await VendorDouble.StartAsync(world.File, world.Right, world._tls);
        world.Given = wrong ? world.Wrong() : world.Right;
        var files = world._directory.CreateSubdirectory("i");
        var secrets = world._directory.CreateSubdirectory("s");
        foreach (var (secret, value) in world.Given)
            WriteSecret(Path.Combine(secrets.FullName, secret), VendorFileReader.Fill(value, world.Places(secrets.FullName)));
        if (world._tls is { } tls)
            await System.IO.File.WriteAllTextAsync(world.CaFile, tls.AuthorityPem);
        var installation = VendorFileReader.Fill(world.File.Installation, world.Places(secrets.FullName));
        await System.IO.File.WriteAllTextAsync(Path.Combine(files.FullName, "i.yaml"), writable ? installation : WithoutWrite(installation));
        world._host = await GatewayHost.StartAsync(postgres, change: o => new GatewayOptions
        {
            IntegrationsPaths = [files.FullName], RuntimeDirectory = o.RuntimeDirectory, MaxApprovals = 100, RequestsPerSecond = 1_000,
        }, more: services =>
        {
            services.AddLogging(l => l.AddProvider(world));
            services.AddSecrets(new SecretsOptions { File = new FileSecretsOptions { Directories = [secrets.FullName] } });
            services.RemoveAll<IUpstreamSender>();
            services.AddSending();
            services.AddSingleton<AuditedSend>();
            services.AddSingleton<IActionPreparer, ActionPreparer>();
            services.AddSingleton<FrozenCallRunner>();
        });
        return world;
    }

    /// <summary>An installation's file with addresses that need nobody: for tests that only load it.</summary>
    public static string Installed(VendorFile file, string baseUrl) => VendorFileReader.Fill(file.Installation, new Dictionary<string, string>
    {
        ["base_url"] = baseUrl, ["secrets"] = "/etc/incidentfox/secrets", ["ca_file"] = "/etc/incidentfox/ca.pem",
    });

    // The `write:` of an installation stands on a line of its own.
    public static string WithoutWrite(string installation) => string.Join('\n', installation.Split('\n').Where(l => !l.TrimStart().StartsWith("write:", StringComparison.Ordinal)));

    private string CaFile => Path.Combine(_directory.FullName, "ca.pem");

    private Dictionary<string, string> Places(string secrets) => new() { ["base_url"] = Vendor.Url, ["secrets"] = secrets, ["ca_file"] = CaFile };

    // As long as the right ones and of the same make: what has a form keeps it.
    private Dictionary<string, string> Wrong()
    {
        using var other = new VendorTls();
        return File.Secrets.ToDictionary(s => s.Key, s => s.Value switch
        {
            "@client_certificate" => other.ClientCertificate,
            "@client_key" => other.ClientKey,
            "@rsa_key" => VendorKeys.OtherRsa,
            "@google_key" => VendorKeys.Google(VendorKeys.OtherRsa),
            var text when text.Contains("canary", StringComparison.Ordinal) => text.Replace("canary", "xanary", StringComparison.Ordinal),
            var text => text,
        });
    }

    private static void WriteSecret(string path, string value)
    {
        System.IO.File.WriteAllText(path, value);
        System.IO.File.SetUnixFileMode(path, UnixFileMode.UserRead);
    }

    /// <summary>Asks an admin, who agrees, and runs what was frozen.</summary>
    public async Task<ExecutionOutcome> ApproveAndRunAsync(TestSandbox sandbox, ApprovalId id, int attempt = 1)
    {
        var ct = TestContext.Current.CancellationToken;
        var admin = PersonId.New();
        await Host.Database.ExecuteAsync("""
            insert into app.people values (@Id, 'acme', 'Bea', @mail);
            insert into app.role_grants (id, person_id, org_id, team_id, role, granted_by) values (gen_random_uuid(), @Id, 'acme', 'sre', 'admin', 'test');
            """, new { Id = admin.Value, mail = $"{admin.Value:n}@acme.example" });
        var principal = new Principal
        {
            Person = admin, Org = new OrgId("acme"), DisplayName = "Bea", AuditName = "bea@acme.example", Grants = [new Grant(new TeamId("sre"), Role.Admin)],
        };
        var vote = await new ApprovalVoting(Host.Database.Bot, Host.Audit).ApproveAsync(id, principal, "T1:UBEA", ct);
        Assert.True(vote.Accepted, vote.Message);
        var execution = Host.Services.GetRequiredService<ApprovalExecution>();
        Assert.True(await execution.GrantAsync(id, ct));
        var claim = await execution.ClaimAsync(id, "test", ct);
        return await Host.Services.GetRequiredService<FrozenCallRunner>().RunAsync(claim! with { Attempt = attempt }, new SendContext
        {
            Org = new OrgId("acme"), Team = new TeamId("sre"), Investigation = sandbox.Investigation, Approval = id, UserId = "bea@acme.example", CorrelationId = "c-1",
        }, ct);
    }

    /// <summary>No secret that the gateway was given is in the texts, nor in its log, nor in its audit rows; in none of the forms it may take.</summary>
    public async Task AssertNothingLeakedAsync(params string[] texts)
    {
        var rows = (await Host.AuditAsync()).Select(r => AuditJson.Format(r).ToJsonString());
        var all = string.Join('\n', texts.Concat(Logged).Concat(rows));
        foreach (var secret in Given.Values.SelectMany(v => v.Split(["\n", "\\n"], StringSplitOptions.None)).Where(v => v.Length >= 12 && !v.StartsWith("-----", StringComparison.Ordinal)))
        {
            foreach (var form in new[] { secret, Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(secret)), Uri.EscapeDataString(secret), JsonSerializer.Serialize(secret).Trim('"') })
                Assert.DoesNotContain(form, all, StringComparison.Ordinal);
        }
    }

    ILogger ILoggerProvider.CreateLogger(string categoryName) => this;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Logged.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");

    void IDisposable.Dispose()
    {
        // The host disposes of its loggers; there is nothing to end.
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        if (_vendor is not null)
            await _vendor.DisposeAsync();
        _tls?.Dispose();
        _directory.Delete(recursive: true);
    }
}
