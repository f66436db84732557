using System.Text.Json.Nodes;
using IncidentFox.Core.Identity;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.Gateway.Tests.Rules;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Admission;

/// <summary>The documentation's two policy blocks, from a sandbox's call to the approval that people see.</summary>
public sealed class DocumentedPolicyTests(TestPostgres postgres)
{
    private const string Exec = """{"namespace":"shop","pod":"checkout-1","command":["pg_isready","-h","db"]}""";

    [Fact]
    public async Task Docker_exec_is_refused_to_an_operator_and_asks_for_an_admin_under_the_default_workflow()
    {
        await using var host = await StartAsync();
        var operators = await host.OpenCagedAsync();
        // By its other name it is the same tool.
        foreach (var name in new[] { "docker_exec", "pod_exec" })
        {
            var refused = await operators.CallAsync(name, Exec);
            Assert.Equal((403, "denied"), (refused.Status, refused.Code));
            Assert.Contains("needs the role admin", refused.Message, StringComparison.Ordinal);
        }
        Assert.Empty(await Approvals(host));

        var admins = await host.OpenCagedAsync(role: Role.Admin);
        Assert.Equal((202, "approval_required"), (await admins.CallAsync("docker_exec", Exec)) is var a ? (a.Status, a.Code) : default);
        Assert.Equal([("docker_exec", 1, "admin", "#sre-approvals", 30m)], await Approvals(host));
        // Asked again by the other name, it is the approval that is open already.
        Assert.Equal((202, "approval_required"), (await admins.CallAsync("pod_exec", Exec)) is var b ? (b.Status, b.Code) : default);
        Assert.Single(await Approvals(host));
        Assert.Empty(host.Sender.Sent);
    }

    [Fact]
    public async Task A_restart_asks_one_within_30_minutes_and_a_scaling_two_within_15()
    {
        await using var host = await StartAsync();
        await host.AskAsync();   // another admin: two can be found
        var sandbox = await host.OpenCagedAsync();
        Assert.Equal(202, (await sandbox.CallAsync("pod_restart", """{"namespace":"shop","pod":"checkout-1"}""")).Status);
        Assert.Equal(202, (await sandbox.CallAsync("scale_deployment", """{"namespace":"shop","deployment":"checkout","replicas":5}""")).Status);
        Assert.Equal([("pod_restart", 1, "admin", "#sre-approvals", 30m), ("scale_deployment", 2, "admin", "#sre-approvals", 15m)], await Approvals(host));
        Assert.Empty(host.Sender.Sent);
    }

    [Fact]
    public async Task An_operators_sandbox_is_offered_what_it_may_ask_for_and_no_more()
    {
        await using var host = await StartAsync();
        Assert.DoesNotContain("docker_exec", await OfferedAsync(await host.OpenCagedAsync()));
        Assert.Contains("scale_deployment", await OfferedAsync(await host.OpenCagedAsync()));
        var offered = await OfferedAsync(await host.OpenCagedAsync(role: Role.Admin));
        Assert.Contains("docker_exec", offered);
        Assert.DoesNotContain("pod_exec", offered);   // once is enough
    }

    private Task<GatewayHost> StartAsync() =>
        GatewayHost.StartAsync(postgres, DocumentedPolicy.Json, integrations: [("k.yaml", Sample.Kubernetes)]);

    private static async Task<IReadOnlyList<string>> OfferedAsync(TestSandbox sandbox) =>
        [.. ((await sandbox.SendAsync("GET", Contracts.Protocol.ToolsPath)).Json["tools"] as JsonArray)!.Select(t => (string)t!["name"]!)];

    private static Task<IReadOnlyList<(string Tool, int Required, string Role, string Channel, decimal Minutes)>> Approvals(GatewayHost host) =>
        host.Database.QueryAsync<(string, int, string, string, decimal)>(
            "select tool, required_approvers, approver_role, notify_channel, extract(epoch from expires_at - created_at) / 60 from app.approvals order by created_at");
}
