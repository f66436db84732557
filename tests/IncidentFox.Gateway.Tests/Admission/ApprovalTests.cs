using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Tests.AgentDoor;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Admission;

public sealed class ApprovalTests(TestPostgres postgres)
{
    private const string Restart = """{"namespace":"shop","pod":"checkout-1"}""";

    [Fact]
    public async Task A_write_is_frozen_and_shown_and_nothing_is_sent()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var answer = await sandbox.CallAsync("pod_restart", Restart, "It hangs.");
        Assert.Equal((202, "approval_required", "gateway"), (answer.Status, answer.Code, answer.Source));
        Assert.Empty(host.Sender.Sent);
        Assert.Equal("It hangs.", host.Preparer.LastReason);
        var rows = (await host.AuditAsync(sandbox.Investigation)).Where(r => r.Tool is not null).ToList();
        Assert.Equal([AuditEventTypes.ToolRequested, AuditEventTypes.ApprovalRequested], rows.Select(r => r.EventType));
        Assert.Equal(rows[0].CorrelationId, rows[1].CorrelationId);

        var status = await sandbox.SendAsync("GET", Protocol.ApprovalPathPrefix + (string)answer.Json["approval_id"]!);
        Assert.Equal(("pending", "pod_restart", "checkout-1"), ((string)status.Json["state"]!, (string)status.Json["tool"]!, (string)status.Json["parameters"]!["pod"]!));
        Assert.False((bool)status.Json["final"]!);
    }

    [Fact]
    public async Task Asking_twice_joins_and_both_doors_ask_the_same()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var first = await sandbox.CallAsync("pod_restart", Restart);
        var second = await sandbox.SendAsync("DELETE", "/i/kubernetes/api/v1/namespaces/shop/pods/checkout-1", null, "X-Incidentfox-Reason: because");
        Assert.Equal((string)first.Json["approval_id"]!, (string)second.Json["approval_id"]!);
        Assert.Equal("because", host.Preparer.LastReason);
        Assert.Single(await host.AuditAsync(sandbox.Investigation, AuditEventTypes.ApprovalRequested));
    }

    [Fact]
    public async Task Another_sandbox_sees_no_approval_that_is_not_its_own()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var (mine, other) = (await host.OpenCagedAsync(), await host.OpenCagedAsync());
        var id = (string)(await mine.CallAsync("pod_restart", Restart)).Json["approval_id"]!;
        foreach (var target in new[] { id, ApprovalId.New().ToString(), "apr_x", "", id.ToUpperInvariant(), id + "/x" })
            Assert.Equal((404, "no_approval"), (await other.SendAsync("GET", Protocol.ApprovalPathPrefix + target)) is var a ? (a.Status, a.Code) : default);
        Assert.Equal(400, (await mine.SendAsync("GET", $"{Protocol.ApprovalPathPrefix}{id}?wait=26")).Status);
        Assert.Equal(400, (await mine.SendAsync("GET", $"{Protocol.ApprovalPathPrefix}{id}?wait=1&wait=2")).Status);
        var parked = $$"""{"v":1,"type":"events","events":[{"event":"parked","sequence":1,"at":"2026-11-22T16:00:00Z","approval_id":"{{id}}"}]}""";
        Assert.Equal(404, (await other.SendAsync("POST", Protocol.EventsPath, parked)).Status);
        Assert.Equal(202, (await mine.SendAsync("POST", Protocol.EventsPath, parked)).Status);
    }

    [Fact]
    public async Task A_wait_ends_when_people_decide()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var id = (string)(await sandbox.CallAsync("pod_restart", Restart)).Json["approval_id"]!;
        var waiting = sandbox.SendAsync("GET", $"{Protocol.ApprovalPathPrefix}{id}?wait=25");
        await new ApprovalVoting(host.Database.Bot, host.Audit).CancelForAsync(sandbox.Investigation, "ann@acme.example", "not now", TestContext.Current.CancellationToken);
        var answer = await waiting.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(("cancelled", "not now", true), ((string)answer.Json["state"]!, (string)answer.Json["detail"]!, (bool)answer.Json["final"]!));
    }

    [Fact]
    public async Task What_can_not_be_prepared_is_refused_and_nobody_is_asked()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        host.Preparer.Refuse = new PreparedAction.Refused("precondition_failed", "There is no such pod.");
        var answer = await sandbox.CallAsync("pod_restart", Restart);
        Assert.Equal(("precondition_failed", "There is no such pod."), (answer.Code, answer.Message));
        Assert.Empty(await host.AuditAsync(sandbox.Investigation, AuditEventTypes.ApprovalRequested));
        Assert.Single(await host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRefused));
    }

    [Fact]
    public async Task An_investigation_that_is_stopped_while_the_target_is_asked_bothers_nobody()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        host.Preparer.Before = sandbox.StopAsync;
        Assert.Equal("session_over", (await sandbox.CallAsync("pod_restart", Restart)).Code);
        Assert.Empty(await host.AuditAsync(sandbox.Investigation, AuditEventTypes.ApprovalRequested));
    }

    [Fact]
    public async Task An_investigation_asks_people_only_so_often()
    {
        await using var host = await GatewayHost.StartAsync(postgres, change: o => new GatewayOptions
        {
            IntegrationsPaths = o.IntegrationsPaths, RuntimeDirectory = o.RuntimeDirectory, MaxApprovals = 2,
        });
        var sandbox = await host.OpenCagedAsync();
        for (var i = 0; i < 2; i++)
            Assert.Equal(202, (await sandbox.CallAsync("pod_restart", $$"""{"namespace":"shop","pod":"p{{i}}"}""")).Status);
        Assert.Equal((429, "too_many_approvals"), (await sandbox.CallAsync("pod_restart", Restart)) is var a ? (a.Status, a.Code) : default);
    }

    [Fact]
    public async Task When_nobody_could_ever_agree_the_agent_is_told_at_once_why()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        await host.Database.ExecuteAsync("delete from app.role_grants where role = 'admin'");
        var answer = await sandbox.CallAsync("pod_restart", Restart);
        Assert.Equal((403, "quorum_unreachable"), (answer.Status, answer.Code));
        Assert.Contains("nobody could approve this", answer.Message, StringComparison.Ordinal);
        Assert.Equal("denied", Assert.Single(await host.Database.QueryAsync<string>("select status from app.approvals")));
    }

    [Fact]
    public async Task More_than_the_team_may_have_pending_is_refused()
    {
        await using var host = await GatewayHost.StartAsync(postgres, """{"max_pending_per_team":1}""");
        var sandbox = await host.OpenCagedAsync();
        Assert.Equal(202, (await sandbox.CallAsync("pod_restart", Restart)).Status);
        Assert.Equal((429, "too_many_pending"), (await sandbox.CallAsync("pod_restart", """{"namespace":"shop","pod":"p2"}""")) is var a ? (a.Status, a.Code) : default);
        Assert.Equal(202, (await sandbox.CallAsync("pod_restart", Restart)).Status);
    }

    [Fact]
    public async Task With_approvals_switched_off_a_write_is_denied()
    {
        await using var host = await GatewayHost.StartAsync(postgres, """{"approval_workflows":{"enabled":false}}""");
        var sandbox = await host.OpenCagedAsync();
        Assert.Equal((403, "denied"), (await sandbox.CallAsync("pod_restart", Restart)) is var a ? (a.Status, a.Code) : default);
        Assert.Equal(0, host.Preparer.Prepared);
    }

    [Fact]
    public async Task A_fresh_sandbox_is_given_what_the_one_before_left()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var ct = TestContext.Current.CancellationToken;
        var sandbox = await host.OpenCagedAsync();
        var id = (string)(await sandbox.CallAsync("pod_restart", Restart)).Json["approval_id"]!;
        Assert.Equal(202, (await sandbox.SendAsync("POST", Protocol.EventsPath,
            $$"""{"v":1,"type":"events","events":[{{EventTests.Report(1, "it hangs")}}]}""")).Status);
        Assert.True(ApprovalId.TryParse(id, out var approval));
        await host.Investigations.MarkWaitingAsync(sandbox.Investigation, sandbox.Id, approval, ct);
        Assert.Equal("session_over", (await sandbox.SendAsync("GET", Protocol.ToolsPath)).Code);
        await new ApprovalVoting(host.Database.Bot, host.Audit).CancelForAsync(sandbox.Investigation, "ann@acme.example", "not now", ct);
        var next = await host.Investigations.TryStartAsync(sandbox.Investigation, "local", ct);
        var fresh = new TestSandbox(host, next!.Value, sandbox.Investigation, await host.Door.OpenAsync(next.Value, ct));
        await fresh.SendAsync("POST", Protocol.HelloPath, TestSandbox.Hello());
        var task = await fresh.SendAsync("GET", Protocol.TaskPath);
        Assert.Equal("it hangs", (string)task.Json["resume"]!["report"]!["what_happened"]!);
        Assert.Equal(("cancelled", id), ((string)task.Json["resume"]!["approval"]!["state"]!, (string)task.Json["resume"]!["approval"]!["approval_id"]!));
    }
}
