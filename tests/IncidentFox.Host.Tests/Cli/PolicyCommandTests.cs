using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Tools;
using IncidentFox.Host.Tests.Kit;
using IncidentFox.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Host.Tests.Cli;

public sealed class PolicyCommandTests(TestPostgres postgres) : IDisposable
{
    private readonly Installation _here = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Integrations_explain_goes_by_the_policy_in_force_and_says_when_it_could_not_ask_for_it()
    {
        await File.WriteAllTextAsync(Path.Combine((string)_here["Gateway"]["IntegrationsPaths"]![0]!, "k.yaml"), $$"""
            integration: kubernetes
            extends: kubernetes
            base_url: https://127.0.0.1:6443
            auth: {read: "{{_here.Secret("k8s-read", "r")}}", write: "{{_here.Secret("k8s-write", "w")}}"}
            network: {allow: ["127.0.0.0/8"]}
            """, Ct);
        string[] question = ["integrations", "explain", "DELETE", "https://127.0.0.1:6443/api/v1/namespaces/shop/pods/checkout-1"];
        var (exitCode, output, error) = await _here.RunAsync(question);
        Assert.True(exitCode == 0, error);
        Assert.Contains("stops until 1 of role admin", output, StringComparison.Ordinal);
        Assert.Contains("the configuration alone: the database could not be asked", output, StringComparison.Ordinal);

        await using var database = await InstalledAsync();
        await RunAsync("tools", "set", "pod_restart", "enabled=false");
        output = await RunAsync(question);
        Assert.Contains("denied: Tool pod_restart is switched off", output, StringComparison.Ordinal);
        Assert.Contains("policy from:  the database, over the configuration", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_set_here_is_in_force_audited_with_the_account_and_can_be_rolled_back()
    {
        await using var database = await InstalledAsync();

        Assert.Contains("policy of team sre is version 1 now", await RunAsync("workflows", "set", "pod_restart", "required_approvers=2", "timeout_minutes=15", "--note", "two pairs of eyes"), StringComparison.Ordinal);
        Assert.Matches("pod_restart +kubernetes +write +operator +asks 2 of role admin or above, within 15 min", await RunAsync("tools", "list"));
        Assert.Contains("+ $.tools.pod_restart.enabled = false", await RunAsync("tools", "set", "pod_restart", "enabled=false"), StringComparison.Ordinal);
        Assert.Contains("pod_restart: denied", await RunAsync("tools", "explain", "pod_restart", "--role", "admin"), StringComparison.Ordinal);
        Assert.Contains("is version 3 now", await RunAsync("policy", "rollback", "1"), StringComparison.Ordinal);
        Assert.Contains("- $.tools.pod_restart.enabled = false", await RunAsync("policy", "diff"), StringComparison.Ordinal);
        Assert.Contains("two pairs of eyes", await RunAsync("policy", "history"), StringComparison.Ordinal);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"approval_workflows":{"actions":{"pod_restart":{"required_approvers":2,"timeout_minutes":15}}}}"""), JsonNode.Parse(await RunAsync("policy", "show", "--layer"))));

        var rows = await database.QueryAsync<string>("select user_id from app.audit_events where event_type = 'configuration_changed' and details ->> 'what' like 'policy%'");
        Assert.Equal(3, rows.Count);
        Assert.All(rows, r => Assert.Equal($"cli:{Environment.UserName}", r));
    }

    [Fact]
    public async Task A_file_with_mistakes_is_refused_whole_with_every_one_of_them()
    {
        await using var database = await InstalledAsync();
        var file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await File.WriteAllTextAsync(file, """{"tools":{"a":{"enabled":1}},"colour":2}""", Ct);

        var (exitCode, _, error) = await _here.RunAsync("policy", "set", file, "--org");
        File.Delete(file);

        Assert.Equal(1, exitCode);
        Assert.Contains("$.tools.a.enabled: must be true or false", error, StringComparison.Ordinal);
        Assert.Contains("$.colour: is not known", error, StringComparison.Ordinal);
        Assert.Empty(await database.QueryAsync<Guid>("select id from app.policies"));
    }

    [Theory]
    [InlineData(2, "is no setting", "tools", "set", "pod_restart", "enabled")]
    [InlineData(1, "enabled: must be true or false", "tools", "set", "pod_restart", "enabled=maybe")]
    [InlineData(2, "There is no team 'web'", "tools", "list", "--team", "web")]
    [InlineData(1, "has no tool", "tools", "show", "nothing")]
    [InlineData(2, "--role is one of", "tools", "explain", "pod_restart", "--role", "king")]
    [InlineData(1, "there is no version 9", "policy", "rollback", "9")]
    [InlineData(2, "can't be read", "policy", "set", "/nowhere/at/all.json")]
    public async Task What_is_wrong_is_said_with_an_exit_code(int expected, string message, params string[] arguments)
    {
        await using var database = await InstalledAsync();
        var (exitCode, _, error) = await _here.RunAsync(arguments);
        Assert.Equal(expected, exitCode);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Empty(await database.QueryAsync<Guid>("select id from app.policies"));
    }

    [Fact]
    public async Task Nothing_waits_and_an_export_has_every_sealed_event_and_writes_itself_down()
    {
        await using var database = await InstalledAsync();
        Assert.Contains("Nothing of team sre waits", await RunAsync("approvals", "list"), StringComparison.Ordinal);
        await RunAsync("tools", "set", "pod_restart", "enabled=false");
        await new AuditSealer(database.Gateway, TimeProvider.System, NullLogger<AuditSealer>.Instance).SealAsync(Ct);

        var lines = (await RunAsync("audit", "export", "--team", "sre")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!).ToList();

        Assert.Contains(lines, l => (string?)l["event_type"] == "configuration_changed");
        Assert.All(lines, l => Assert.Equal("sre", (string?)l["team_id"]));
        Assert.Single(await database.QueryAsync<string>("select user_id from app.audit_events where event_type = 'data_accessed'"));
    }

    public void Dispose() => _here.Dispose();

    private async Task<string> RunAsync(params string[] arguments)
    {
        var (exitCode, output, error) = await _here.RunAsync(arguments);
        Assert.True(exitCode == 0, $"{string.Join(' ', arguments)}: {error}");
        return output;
    }

    private async Task<TestDatabase> InstalledAsync()
    {
        var database = await postgres.CreateAsync(Ct);
        await new DirectorySync(database.Bot, new AuditLog(database.Bot, database.SharedCipher)).ApplyAsync(
            new DirectoryOptions { Id = "acme", Name = "Acme", SlackWorkspace = "T0ACME0001", Teams = [new TeamOptions { Id = "sre", Name = "SRE", Channels = ["C0INCIDENT"] }] }, Ct);
        await new ToolDirectory(database.Gateway).PublishAsync([new(null, "kubernetes", "pod_restart", ToolEffect.Write, "Restarts a pod.", true)], Ct);
        _here.Use(database);
        return database;
    }
}
