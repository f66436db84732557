using IncidentFox.Host.Configuration;
using IncidentFox.Host.Tests.Kit;
using IncidentFox.TestKit;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Processes;
using Microsoft.Extensions.Configuration;

namespace IncidentFox.Host.Tests.Roles;

/// <summary>Bot and gateway as processes of their own, the bot with a cluster in which it has the rights that the manifests give it and no others.</summary>
public sealed class RoleProcessTests(TestPostgres postgres) : IDisposable
{
    private readonly Installation _here = new();

    public void Dispose() => _here.Dispose();

    [Fact]
    public async Task Bot_and_gateway_run_apart_each_with_its_own_login_are_ready_and_end_in_order()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var database = await postgres.CreateAsync(ct);
        _here.Use(database);
        await using var cluster = await KubernetesCluster.StartAsync(new() { RuntimeClasses = [], Https = true }, ct);
        cluster.Apply();
        var (bot, gateway) = (RoleInstallation.Free(), RoleInstallation.Free());
        _here["Http"]["Url"] = bot.AbsoluteUri;
        _here["Gateway"]["HealthUrl"] = gateway.AbsoluteUri;
        _here["Gateway"]["Pods"] = _here.Door(cluster.Kubeconfig(cluster.AccountToken("incidentfox", "incidentfox-gateway"), "incidentfox-sandboxes"));
        _here.Configuration["Sandbox"] = _here.Pods(cluster.Kubeconfig(cluster.AccountToken("incidentfox", "incidentfox-bot"), "incidentfox-sandboxes"));

        await using var gatewayProcess = _here.StartGateway("gateway");
        await gatewayProcess.ReadyAsync(gateway);
        Assert.Equal([Login(database.GatewayConnectionString)], await LoginsAsync(database));
        await using var botProcess = _here.StartBot();
        await botProcess.ReadyAsync(bot);
        Assert.Equal([.. new[] { Login(database.BotConnectionString), Login(database.GatewayConnectionString) }.Order(StringComparer.Ordinal)], await LoginsAsync(database));

        await EndAsync(gatewayProcess);
        await EndAsync(botProcess);
    }

    [Fact]
    public async Task A_gateway_whose_door_for_pods_has_no_certificate_does_not_start()
    {
        await using var database = await postgres.CreateAsync(TestContext.Current.CancellationToken);
        _here.Use(database);
        await using var cluster = await KubernetesCluster.StartAsync(new() { Https = true }, TestContext.Current.CancellationToken);
        _here["Gateway"]["Pods"] = _here.Door(cluster.Kubeconfig("token"));
        _here.Secret("door-key", "no key");

        var (exitCode, _, error) = await _here.RunAsync("serve", "--role", "gateway");

        Assert.Equal(1, exitCode);
        Assert.Contains("Gateway:Pods:Certificate and Key: The certificate and its private key can't be read", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_role_asks_for_a_secret_of_the_other()
    {
        _here.Configuration["Sandbox"] = _here.Pods("kubeconfig of nobody");
        _here["Slack"]["BotToken"] = "file:///nowhere/bot-token";
        _here["Database"]["FrozenCallKey"] = "file:///nowhere/frozen-call-key";

        Assert.Contains("BotToken", Assert.Single(await ProblemsAsync(HostRole.Bot)), StringComparison.Ordinal);
        Assert.Contains("FrozenCallKey", Assert.Single(await ProblemsAsync(HostRole.Gateway)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_bot_alone_with_sandboxes_on_this_machine_is_refused_with_how_to_mend_it()
    {
        var error = Assert.Single(HostSettings.Read(Configuration(), HostRole.Bot).Errors);

        Assert.StartsWith("--role bot needs sandboxes on Kubernetes", error, StringComparison.Ordinal);
        Assert.Contains("Sandbox:Kubernetes:Image", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_in_a_role_s_own_settings_are_all_named_at_once()
    {
        _here.Configuration["Sandbox"] = _here.Pods("kubeconfig of nobody");
        _here["Sandbox"]["Kubernetes"]!["GatewayAddress"] = "gateway.incidentfox:8443";
        _here["Sandbox"]["Kubernetes"]!["WarmPods"] = 1_000;
        _here["Gateway"]["HealthUrl"] = "https://0.0.0.0:8081/healthz";

        var bot = HostSettings.Read(Configuration(), HostRole.Bot).Errors;
        Assert.Contains(bot, e => e.StartsWith("Sandbox:Kubernetes:GatewayAddress", StringComparison.Ordinal));
        Assert.Contains(bot, e => e.StartsWith("Sandbox:Kubernetes:WarmPods", StringComparison.Ordinal));
        Assert.StartsWith("Gateway:HealthUrl", Assert.Single(HostSettings.Read(Configuration(), HostRole.Gateway).Errors), StringComparison.Ordinal);
    }

    private async Task<IReadOnlyList<string>> ProblemsAsync(HostRole role)
    {
        var (settings, errors) = HostSettings.Read(Configuration(), role);
        Assert.Empty(errors);
        return (await StartupSecrets.FetchAsync(settings!, role, TestContext.Current.CancellationToken)).Problems;
    }

    private IConfigurationRoot Configuration()
    {
        using var json = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(_here.Configuration.ToJsonString()));
        return new ConfigurationBuilder().AddJsonStream(json).Build();
    }

    private static async Task EndAsync(ChildProcess process)
    {
        using var kill = System.Diagnostics.Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0 && process.Tail.Contains("stopped", StringComparison.Ordinal), process.Tail);
    }

    private static async Task<IEnumerable<string>> LoginsAsync(TestDatabase database) => (await database.QueryAsync<string>(
        "select distinct usename::text from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and usename <> current_user")).Order(StringComparer.Ordinal);

    private static string Login(string connectionString) => new Npgsql.NpgsqlConnectionStringBuilder(connectionString).Username!;
}
