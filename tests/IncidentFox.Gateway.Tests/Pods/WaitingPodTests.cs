using System.Net;
using System.Text;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Pods;

/// <summary>Pods of the pool, and pods whose network policies are enforced late: no task before the cage was shown, and no alarm for a late policy.</summary>
public sealed class WaitingPodTests(TestPostgres postgres)
{
    private static readonly CancellationToken Ct = TestContext.Current.CancellationToken;
    private static readonly byte[] Hello = Encoding.UTF8.GetBytes(TestSandbox.Hello());
    private static readonly byte[] Open = Encoding.UTF8.GetBytes(TestSandbox.Hello(reached: true));

    [Fact]
    public async Task Nothing_but_hello_and_the_wait_is_there_for_a_pod_without_a_sandbox()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var token = await WarmAsync(gateway, "warm-1");
        await gateway.SendAsync(token, "POST", Protocol.HelloPath, Hello);
        foreach (var (method, path) in new[]
        {
            ("GET", Protocol.ToolsPath), ("POST", Protocol.EventsPath), ("POST", Protocol.ModelPath), ("GET", Protocol.ApprovalPathPrefix + ApprovalId.New()), ("POST", "/tools/list_nodes"),
            ("GET", "/i/kubernetes/api/v1/nodes"), ("POST", Protocol.TaskPath), ("GET", Protocol.HelloPath), ("GET", Protocol.TaskPath + "?x=1"), ("GET", "/"), ("DELETE", "/v1"),
        })
        {
            Assert.Equal("not_claimed", (string?)(await gateway.SendAsync(token, method, path, method == "POST" ? Hello : null)).Body?["code"]);
        }
        Assert.Empty(gateway.Host.Sender.Sent);
        Assert.Equal("forged_identity", (await gateway.RawAsync(
            $"GET {Protocol.TaskPath} HTTP/1.1\r\nHost: g\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nX-Sandbox-Id: {SandboxId.New()}\r\n\r\n")).Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"v":2,"type":"hello","agent_version":"x","cage":[]}""")]
    public async Task A_hello_that_is_none_changes_nothing(string body)
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var token = await WarmAsync(gateway, "warm-1");
        Assert.Equal("bad_message", (string?)(await gateway.SendAsync(token, "POST", Protocol.HelloPath, Encoding.UTF8.GetBytes(body))).Body?["code"]);
        Assert.Equal(SandboxPodState.Starting, Assert.Single(await gateway.Pods.PresentAsync(PodGateway.Ns, Ct)).State);
    }

    [Fact]
    public async Task A_hello_that_is_too_large_is_refused_and_a_slow_one_does_not_last()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var token = await WarmAsync(gateway, "warm-1");
        var answer = await gateway.RawAsync($"POST {Protocol.HelloPath} HTTP/1.1\r\nHost: g\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Length: {Protocol.MaxMessageBytes + 1}\r\n\r\n");
        Assert.Equal(413, answer.Status);
    }

    [Fact]
    public async Task Of_two_waiting_pods_the_claimed_one_gets_the_task_and_the_other_goes_on_waiting()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var (first, second) = (await WarmAsync(gateway, "warm-1"), await WarmAsync(gateway, "warm-2"));
        foreach (var token in new[] { first, second })
            Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(token, "POST", Protocol.HelloPath, Hello)).Status);
        var waiting = new[] { first, second }.Select(t => gateway.SendAsync(t, "GET", Protocol.TaskPath)).ToArray();
        var (sandbox, investigation) = await gateway.Host.AskAsync();
        var claimed = (await gateway.Pods.ClaimAsync(sandbox, PodGateway.Ns, "agent:1", "bot-1", Ct))!.Name;

        var (winner, other) = claimed == "warm-1" ? (0, 1) : (1, 0);
        Assert.Equal(investigation.ToString(), (string?)(await waiting[winner]).Body?["investigation_id"]);
        Assert.False(waiting[other].IsCompleted);
        await gateway.Pods.GoneAsync(Assert.Single(await gateway.Pods.PresentAsync(PodGateway.Ns, Ct), p => p.Sandbox is null).Uid, unclaimedOnly: true, Ct);
        var cut = await Record.ExceptionAsync(async () => Assert.Equal("pod_ending", (string?)(await waiting[other]).Body?["code"]));
        Assert.True(cut is null or HttpRequestException, cut?.ToString());
    }

    [Fact]
    public async Task A_waiting_pod_s_cage_is_in_the_audit_trail()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var token = await WarmAsync(gateway, "warm-1");
        await gateway.SendAsync(token, "POST", Protocol.HelloPath, Open);
        await gateway.SendAsync(token, "POST", Protocol.HelloPath, Hello);
        await gateway.SendAsync(token, "POST", Protocol.HelloPath, Hello);
        var rows = await gateway.Host.AuditAsync(type: Core.Audit.AuditEventTypes.SandboxChanged);
        Assert.Equal(["caged", "not_caged"], rows.Where(r => (string?)r.Details?["pod"] == "warm-1").Select(r => r.Status!).Order());
        Assert.All(rows.Where(r => (string?)r.Details?["pod"] == "warm-1"), r => Assert.Equal(6, r.Details!["probes"]!.AsArray().Count));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_policy_that_is_enforced_late_costs_a_second_hello_and_alarms_nobody(bool isWarm)
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var token = isWarm ? await WarmAsync(gateway, "warm-1") : (await gateway.OpenAsync()).Token;
        Assert.Equal("not_caged", (string?)(await gateway.SendAsync(token, "POST", Protocol.HelloPath, Open)).Body?["code"]);
        Assert.Equal("not_caged", (string?)(await gateway.SendAsync(token, "GET", Protocol.TaskPath)).Body?["code"]);
        Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(token, "POST", Protocol.HelloPath, Hello)).Status);
        await gateway.Host.StopAsync();
        Assert.DoesNotContain(await gateway.AlertsAsync(), a => a.Details!["path"]?.ToString() is null or Protocol.HelloPath);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pod_that_still_shows_no_cage_when_its_time_is_over_is_told_of_once(bool isWarm)
    {
        await using var gateway = await PodGateway.StartAsync(postgres, cageWithin: 1);
        var pod = isWarm ? null : await gateway.OpenAsync();
        var token = pod?.Token ?? await WarmAsync(gateway, "warm-1");
        Assert.Equal("not_caged", (string?)(await gateway.SendAsync(token, "POST", Protocol.HelloPath, Open)).Body?["code"]);
        Assert.Empty(await gateway.AlertsAsync());
        while ((await gateway.AlertsAsync()).Count == 0)
            await Task.Delay(100, Ct);
        await gateway.SendAsync(token, "POST", Protocol.HelloPath, Open);
        await Task.Delay(TimeSpan.FromSeconds(2.5), Ct);
        var alert = Assert.Single(await gateway.AlertsAsync());
        Assert.Equal(("not_caged", "not_caged", pod?.Sandbox.Value), ((string?)alert.Details!["kind"], (string?)alert.Details["code"], alert.SandboxId));
    }

    private static async Task<string> WarmAsync(PodGateway gateway, string name)
    {
        await gateway.RecordAsync(await gateway.RunAsync(name), name, sandbox: null);
        return gateway.TokenOf(name);
    }
}
