using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Gateway.Tests.AgentDoor;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.HostileAgent;

/// <summary>An agent that wants to change the world without those who must agree.</summary>
public sealed class ApprovalAttackTests(TestPostgres postgres)
{
    [Fact]
    public async Task An_approval_that_the_agent_made_up_is_none_and_opens_nothing()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        var id = ApprovalId.New().ToString();
        Assert.Equal((404, "no_approval"), await hostile.SendAsync("GET", Protocol.ApprovalPathPrefix + id) is var a ? (a.Status, a.Code) : default);
        var call = await hostile.SendAsync("POST", "/tools/pod_restart", $$"""{"v":1,"type":"tool_request","arguments":{{HostileWorld.Restart}},"approval_id":"{{id}}"}""");
        Assert.Equal((400, "bad_message"), (call.Status, call.Code));
        var argument = await hostile.CallAsync("pod_restart", $$"""{"namespace":"shop","pod":"checkout-1","approval_id":"{{id}}"}""");
        Assert.Equal((400, "bad_arguments"), (argument.Status, argument.Code));
        Assert.Equal(400, (await hostile.SendAsync("DELETE", "/i/kubernetes/api/v1/namespaces/shop/pods/checkout-1", null, $"X-Approval-Id: {id}")).Status);
        Assert.Empty(world.Upstream.Changes);
        Assert.Empty(await world.AlertsAsync(hostile));
    }

    [Fact]
    public async Task Another_investigations_approval_looks_like_none_and_asking_for_it_is_alerted()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, owner) = (await world.Host.OpenCagedAsync("web"), await world.Host.OpenCagedAsync("sre"));
        var id = (string)(await owner.CallAsync("pod_restart", HostileWorld.Restart)).Json["approval_id"]!;
        var theirs = await hostile.SendAsync("GET", Protocol.ApprovalPathPrefix + id);
        var nobodys = await hostile.SendAsync("GET", Protocol.ApprovalPathPrefix + ApprovalId.New());
        Assert.Equal((nobodys.Status, nobodys.Code, nobodys.Message), (theirs.Status, theirs.Code, theirs.Message));
        var parked = $$"""{"v":1,"type":"events","events":[{"event":"parked","sequence":1,"at":"2026-11-22T16:00:00Z","approval_id":"{{id}}"}]}""";
        Assert.Equal(404, (await hostile.SendAsync("POST", Protocol.EventsPath, parked)).Status);
        await world.AlertAsync(hostile, SecurityAlertKinds.OtherApproval);
        Assert.Equal("pending", await world.StateAsync(owner, id));
        Assert.Empty(await world.AlertsAsync(owner));
    }

    [Fact]
    public async Task Saying_that_it_is_approved_approves_nothing()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        var id = (string)(await hostile.CallAsync("pod_restart", HostileWorld.Restart, "ada@acme.example approved this already")).Json["approval_id"]!;
        foreach (var (method, target, body) in new[]
        {
            ("POST", Protocol.ApprovalPathPrefix + id, """{"decision":"approve"}"""), ("PUT", Protocol.ApprovalPathPrefix + id, """{"state":"approved"}"""),
            ("POST", $"{Protocol.ApprovalPathPrefix}{id}/approve", "{}"), ("POST", "/v1/approvals", "{}"), ("POST", "/slack/interactions", "payload={}"),
        })
            Assert.True((await hostile.SendAsync(method, target, body)).Status is 404 or 405);
        var notice = $$"""{"v":1,"type":"events","events":[{"event":"notice","sequence":1,"at":"2026-11-22T16:00:00Z","text":"Approval {{id}} granted by @ada <!channel>"},{{EventTests.Report(2, "approved, executed")}}]}""";
        Assert.Equal(202, (await hostile.SendAsync("POST", Protocol.EventsPath, notice)).Status);
        Assert.Equal("pending", await world.StateAsync(hostile, id));
        Assert.Empty(world.Upstream.Changes);
        Assert.Empty(await world.Host.AuditAsync(hostile.Investigation, AuditEventTypes.ApprovalGranted));
    }

    [Fact]
    public async Task What_was_approved_runs_once_and_neither_other_parameters_nor_the_same_again_run_with_it()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        var approved = (string)(await hostile.CallAsync("pod_restart", HostileWorld.Restart)).Json["approval_id"]!;
        await world.ApproveAsync(approved);
        await world.ExecutedAsync(hostile, approved);
        var change = Assert.Single(world.Upstream.Changes);
        Assert.Equal(("DELETE", "/api/v1/namespaces/shop/pods/checkout-1", $"Bearer {HostileWorld.WriteSecret}"), (change.Method, change.Target, change.Authorization));
        Assert.Contains("\"uid\":\"u-1\"", change.Body, StringComparison.Ordinal);

        var other = await hostile.CallAsync("pod_restart", """{"namespace":"shop","pod":"checkout-2"}""");
        var again = await hostile.CallAsync("pod_restart", HostileWorld.Restart);
        Assert.Equal((202, 202), (other.Status, again.Status));
        var ids = new[] { approved, (string)other.Json["approval_id"]!, (string)again.Json["approval_id"]! };
        Assert.Equal(3, ids.Distinct().Count());
        Assert.Equal("pending", await world.StateAsync(hostile, ids[1]));
        Assert.Equal("pending", await world.StateAsync(hostile, ids[2]));
        Assert.Single(world.Upstream.Changes);
    }

    private static readonly (string Method, string Path, string? Body)[] Changes =
    [
        ("DELETE", "/api/v1/namespaces/shop/pods", null),
        ("POST", "/api/v1/namespaces/shop/pods", "{}"),
        ("PATCH", "/api/v1/namespaces/shop/pods/checkout-1", "{}"),
        ("PUT", "/api/v1/namespaces/shop/pods/checkout-1", "{}"),
        ("POST", "/api/v1/namespaces/shop/pods/checkout-1/exec?command=sh", null),
        ("GET", "/api/v1/namespaces/shop/pods/checkout-1/exec?command=sh&stdin=true", null),
        ("POST", "/api/v1/namespaces/shop/pods/checkout-1/eviction", "{}"),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "{}"),
        ("DELETE", "/api/v1/namespaces/shop/pods/checkout-1", """{"gracePeriodSeconds":0,"propagationPolicy":"Foreground"}"""),
        ("DELETE", "/api/v1/namespaces/shop/pods/checkout-1", """{"preconditions":{"uid":"another"}}"""),
    ];

    [Fact]
    public async Task A_write_by_way_of_a_read_a_command_without_a_rule_and_a_body_of_ones_own_are_refused()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        foreach (var (method, path, body) in Changes)
        {
            var answer = await hostile.SendAsync(method, "/i/kubernetes" + path, body);
            Assert.True(answer.Status is 400 or 403, $"{method} {path}: {answer.Status} {answer.Body}");
        }
        world.NothingWasSent();
        Assert.Empty(await world.Host.AuditAsync(hostile.Investigation, AuditEventTypes.ApprovalRequested));
    }

    [Fact]
    public async Task A_command_is_not_run_and_nobody_is_asked_when_no_rule_speaks_of_it_or_policy_denies_it()
    {
        await using var world = await HostileWorld.StartAsync(postgres, """{"tools":{"pod_exec":{"enabled":false},"exec":{"enabled":true}}}""");
        var hostile = await world.Host.OpenCagedAsync(role: Role.Admin);
        Assert.Equal((403, "denied"), await hostile.CallAsync("pod_exec", """{"namespace":"shop","pod":"a","command":["sh"]}""") is var denied ? (denied.Status, denied.Code) : default);
        // Another name of the same tool is no way around.
        Assert.Equal((403, "denied"), await hostile.CallAsync("docker_exec", """{"namespace":"shop","pod":"a","command":["sh"]}""") is var other ? (other.Status, other.Code) : default);
        foreach (var tool in new[] { "exec", "shell", "run_command" })
            Assert.Equal((403, "no_rule"), await hostile.CallAsync(tool, """{"namespace":"shop","pod":"a","command":["sh"]}""") is var a ? (a.Status, a.Code) : default);
        world.NothingWasSent();
        Assert.Empty(await world.Host.AuditAsync(hostile.Investigation, AuditEventTypes.ApprovalRequested));
    }

    [Theory]
    [InlineData("""{"approval_workflows":{"enabled":false}}""", Role.Operator)]
    [InlineData("""{"tools":{"pod_restart":{"enabled":false}}}""", Role.Operator)]
    [InlineData("""{"tools":{"pod_restart":{"require_approval":false}}}""", Role.Viewer)]
    public async Task A_write_that_policy_denies_is_not_even_prepared(string policy, Role role)
    {
        await using var world = await HostileWorld.StartAsync(postgres, policy);
        var hostile = await world.Host.OpenCagedAsync(role: role);
        Assert.Equal((403, "denied"), await hostile.CallAsync("pod_restart", HostileWorld.Restart) is var a ? (a.Status, a.Code) : default);
        world.NothingWasSent();
    }
}
