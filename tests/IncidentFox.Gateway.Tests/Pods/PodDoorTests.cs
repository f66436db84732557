using System.Net;
using System.Text;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Pods;

/// <summary>What a pod that is a sandbox gets through its door, and what one that waits for a sandbox gets.</summary>
public sealed class PodDoorTests(TestPostgres postgres)
{
    [Fact]
    public async Task A_sandbox_s_pod_shows_its_cage_and_gets_the_task_of_its_investigation()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var (sandbox, investigation) = await gateway.Host.AskAsync(question: "why is checkout slow?");
        await gateway.RecordAsync(await gateway.RunAsync("sbx-1"), "sbx-1", sandbox);
        var token = gateway.TokenOf("sbx-1");

        Assert.Equal(HttpStatusCode.Forbidden, (await gateway.SendAsync(token, "GET", Protocol.TaskPath)).Status);
        var welcome = await gateway.SendAsync(token, "POST", Protocol.HelloPath, Encoding.UTF8.GetBytes(TestSandbox.Hello()));
        Assert.Equal((HttpStatusCode.OK, sandbox.ToString()), (welcome.Status, (string?)welcome.Body?["sandbox_id"]));
        var task = await gateway.SendAsync(token, "GET", Protocol.TaskPath);
        Assert.Equal((investigation.ToString(), "why is checkout slow?"), ((string?)task.Body?["investigation_id"], (string?)task.Body?["question"]));
    }

    [Fact]
    public async Task A_pod_of_the_pool_waits_caged_for_its_task_and_gets_nothing_else()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var uid = await gateway.RunAsync("warm-1");
        await gateway.RecordAsync(uid, "warm-1", sandbox: null);
        var token = gateway.TokenOf("warm-1");

        Assert.Equal("not_caged", (string?)(await gateway.SendAsync(token, "GET", Protocol.TaskPath)).Body?["code"]);
        Assert.Equal("not_claimed", (string?)(await gateway.SendAsync(token, "GET", Protocol.ToolsPath)).Body?["code"]);
        Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(token, "POST", Protocol.HelloPath, Encoding.UTF8.GetBytes(TestSandbox.Hello()))).Status);
        var waiting = gateway.SendAsync(token, "GET", Protocol.TaskPath);
        var (sandbox, investigation) = await gateway.Host.AskAsync();
        Assert.Equal(uid, (await gateway.Pods.ClaimAsync(sandbox, PodGateway.Ns, "agent:1", "bot-1", TestContext.Current.CancellationToken))!.Uid);

        Assert.Equal(investigation.ToString(), (string?)(await waiting).Body?["investigation_id"]);
        Assert.Contains(await gateway.Host.AuditAsync(investigation, "sandbox_changed"), e => e.Status == "caged" && e.Details!.ToJsonString().Contains("warm_pod", StringComparison.Ordinal));
    }
}
