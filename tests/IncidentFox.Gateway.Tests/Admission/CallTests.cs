using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Gateway.Admission;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace IncidentFox.Gateway.Tests.Admission;

public sealed class CallTests(TestPostgres postgres)
{
    private const string ListPods = """{"namespace":"shop"}""";

    [Fact]
    public async Task A_read_is_audited_before_it_is_sent_streamed_back_and_audited_again_with_its_row_count()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var before = -1;
        host.Sender.Answer = async (_, _) =>
        {
            before = (await host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRequested)).Count;
            return FakeSender.Json("""{"items":[{"a":1},{"b":[1,2]}],"secret-result":1}""");
        };
        var answer = await sandbox.CallAsync("list_pods", ListPods);
        Assert.Equal((200, "upstream"), (answer.Status, answer.Source));
        Assert.Equal("""{"items":[{"a":1},{"b":[1,2]}],"secret-result":1}""", answer.Body);
        Assert.Equal(1, before);
        Assert.True(host.Sender.Sent.TryPeek(out var sent));
        Assert.Equal("/api/v1/namespaces/shop/pods", sent.Request.PathAndQuery);
        Assert.False(sent.Request.UseWriteCredential);

        var rows = await EventuallyAsync(host, sandbox, AuditEventTypes.DataAccessed);
        Assert.Equal([AuditEventTypes.ToolRequested, AuditEventTypes.ToolExecuted, AuditEventTypes.DataAccessed], rows.Where(r => r.Tool is not null).Select(r => r.EventType));
        var executed = rows.Single(r => r.EventType == AuditEventTypes.ToolExecuted);
        Assert.Equal("success", executed.Status);
        Assert.Equal("shop", (string)executed.Parameters!["namespace"]!);
        Assert.NotNull(executed.DurationMs);
        Assert.Equal(("ann@acme.example", "sre"), (executed.UserId, executed.TeamId));
        var accessed = rows.Single(r => r.EventType == AuditEventTypes.DataAccessed);
        Assert.Equal(2, (int)accessed.Details!["row_count"]!);
        Assert.Equal("kubernetes/pods", (string)accessed.Details!["data_source"]!);
        Assert.Equal("GET /api/v1/namespaces/shop/pods", (string)accessed.Details!["query"]!);
        Assert.Single(rows.Where(r => r.Tool is not null).Select(r => r.CorrelationId).Distinct());
        Assert.Equal(executed.CorrelationId, answer.Headers["x-incidentfox-correlation-id"]);
        Assert.DoesNotContain(rows, r => AuditJson.Format(r).ToJsonString().Contains("secret-result", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("integration_busy", 429)]
    [InlineData("circuit_open", 503)]
    public async Task A_call_that_comes_at_a_bad_time_is_told_when_to_come_back(string code, int status)
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        host.Sender.Answer = (_, _) => Task.FromResult<UpstreamResult>(new UpstreamResult.Failed(code, "Not now.", mayHaveRun: false) { RetryAfter = TimeSpan.FromSeconds(2.1) });
        var answer = await sandbox.CallAsync("list_pods", ListPods);
        Assert.Equal((status, code), (answer.Status, answer.Code));
        Assert.Equal("3", answer.Headers["Retry-After"]);
    }

    [Fact]
    public async Task Without_its_audit_row_nothing_is_sent()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        await host.Database.ExecuteAsync("revoke insert on app.audit_lines from incidentfox_gateway");
        var answer = await sandbox.CallAsync("list_pods", ListPods);
        Assert.Equal((503, "audit_unavailable"), (answer.Status, answer.Code));
        Assert.Empty(host.Sender.Sent);
        answer = await sandbox.CallAsync("pod_restart", """{"namespace":"shop","pod":"checkout-1"}""");
        Assert.Equal((503, "audit_unavailable"), (answer.Status, answer.Code));
        Assert.Equal(0, host.Preparer.Prepared);
        // A refusal that can't be audited is refused for that reason, and says no more.
        answer = await sandbox.CallAsync("read_secrets", "{}");
        Assert.Equal((503, "audit_unavailable"), (answer.Status, answer.Code));
    }

    [Theory]
    [InlineData("read_secrets", "{}", 403, "no_rule")]
    [InlineData("get_pod", """{"namespace":"shop"}""", 400, "bad_arguments")]
    [InlineData("get_pod", """{"namespace":"shop","pod":"../../secrets/x"}""", 400, "bad_arguments")]
    [InlineData("get_pod", """{"namespace":"shop","pod":"a","extra":1}""", 400, "bad_arguments")]
    [InlineData("get_pod", """["shop"]""", 400, "bad_arguments")]
    public async Task What_no_rule_allows_is_refused_audited_and_never_sent(string tool, string arguments, int status, string code)
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var answer = await sandbox.CallAsync(tool, arguments);
        Assert.Equal((status, code, "gateway"), (answer.Status, answer.Code, answer.Source));
        Assert.Empty(host.Sender.Sent);
        var row = Assert.Single(await host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRefused));
        Assert.Equal("denied", row.Status);
        Assert.Equal((string)answer.Json["correlation_id"]!, row.CorrelationId);
    }

    [Fact]
    public async Task An_investigation_that_was_stopped_a_moment_ago_sends_nothing_more_and_writes_no_call()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var (sandbox, other) = (await host.OpenCagedAsync(), await host.OpenCagedAsync());
        foreach (var open in new[] { sandbox, other })
            Assert.Equal(200, (await open.CallAsync("list_pods", ListPods)).Status);   // its session was read lately now
        await sandbox.StopAsync();
        Assert.Equal((403, "session_over"), (await sandbox.CallAsync("list_pods", ListPods)) is var a ? (a.Status, a.Code) : default);
        Assert.Equal((403, "session_over"), (await sandbox.SendAsync("GET", "/i/kubernetes/api/v1/nodes")) is var b ? (b.Status, b.Code) : default);
        Assert.Equal("session_over", (await sandbox.CallAsync("pod_restart", """{"namespace":"shop","pod":"checkout-1"}""")).Code);
        Assert.Equal("session_over", (await sandbox.CallAsync("no_such_tool", "{}")).Code);
        Assert.Equal(2, host.Sender.Sent.Count);
        Assert.Equal(0, host.Preparer.Prepared);
        Assert.Single(await host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRequested));
        Assert.Empty(await host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRefused));
        Assert.Equal(200, (await other.CallAsync("list_pods", ListPods)).Status);
    }

    [Fact]
    public async Task A_role_that_was_taken_or_given_a_moment_ago_decides()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        Assert.Equal(200, (await sandbox.CallAsync("list_pods", ListPods)).Status);
        await host.Database.ExecuteAsync("update app.role_grants set role = 'viewer'");
        Assert.Equal((403, "denied"), (await sandbox.CallAsync("list_pods", ListPods)) is var a ? (a.Status, a.Code) : default);
        Assert.Single(host.Sender.Sent);
        await host.Database.ExecuteAsync("update app.role_grants set role = 'operator'");
        Assert.Equal(200, (await sandbox.CallAsync("list_pods", ListPods)).Status);
        Assert.Equal(2, (await host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRequested)).Count);
        Assert.Single(await host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRefused));
    }

    [Fact]
    public async Task What_ended_is_written_when_the_gateway_has_stopped()
    {
        var host = await GatewayHost.StartAsync(postgres);
        await using (host)
        {
            var sandbox = await host.OpenCagedAsync();
            await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => sandbox.CallAsync("list_pods", ListPods)));
            await host.StopAsync();
            var rows = await host.AuditAsync(sandbox.Investigation);
            foreach (var type in new[] { AuditEventTypes.ToolRequested, AuditEventTypes.ToolExecuted, AuditEventTypes.DataAccessed })
                Assert.Equal(6, rows.Count(r => r.EventType == type));
        }
    }

    [Fact]
    public async Task Policy_denies_and_the_tool_is_not_listed()
    {
        await using var host = await GatewayHost.StartAsync(postgres, """{"tools":{"list_pods":{"enabled":false},"list_nodes":{"allowed_roles":["admin"]},"get_pod":{"require_approval":true}}}""");
        var sandbox = await host.OpenCagedAsync();
        Assert.Equal("denied", (await sandbox.CallAsync("list_pods", ListPods)).Code);
        Assert.Equal("denied", (await sandbox.CallAsync("list_nodes", "{}")).Code);
        Assert.Equal("denied", (await sandbox.SendAsync("GET", "/i/kubernetes/api/v1/nodes")).Code);
        Assert.Empty(host.Sender.Sent);
        var tools = (await sandbox.SendAsync("GET", "/v1/agent/tools")).Json["tools"]!.AsArray();
        var names = tools.Select(t => (string)t!["name"]!).ToList();
        Assert.DoesNotContain("list_pods", names);
        Assert.DoesNotContain("list_nodes", names);
        Assert.DoesNotContain("list_core_versions", names);
        Assert.Contains("get_pod_logs", names);
        Assert.True((bool)tools.Single(t => (string)t!["name"]! == "get_pod")!["needs_approval"]!);
        Assert.True((bool)tools.Single(t => (string)t!["name"]! == "pod_restart")!["needs_approval"]!);
    }

    [Fact]
    public async Task A_viewers_words_start_no_tool()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync(role: Role.Viewer);
        Assert.Equal("denied", (await sandbox.CallAsync("list_pods", ListPods)).Code);
        Assert.Empty(host.Sender.Sent);
    }

    [Fact]
    public async Task Both_doors_send_the_same_and_log_the_same()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        await sandbox.CallAsync("get_pod_logs", """{"namespace":"shop","pod":"checkout-1","tail_lines":50}""");
        var answer = await sandbox.SendAsync("GET", "/i/kubernetes/api/v1/namespaces/shop/pods/checkout-1/log?tailLines=50&limitBytes=262144");
        Assert.Equal(200, answer.Status);
        var sent = host.Sender.Sent.ToArray();
        Assert.Equal(sent[0].Request.PathAndQuery, sent[1].Request.PathAndQuery);
        Assert.Equal(sent[0].Request.Call.Parameters.ToJsonString(), sent[1].Request.Call.Parameters.ToJsonString());
    }

    [Theory]
    [InlineData("upstream_timeout", 504)]
    [InlineData("upstream_unreachable", 502)]
    [InlineData("credential_unavailable", 503)]
    [InlineData("response_refused", 502)]
    public async Task A_target_that_fails_is_told_in_the_gateways_words(string code, int status)
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        host.Sender.Answer = (_, _) => Task.FromResult<UpstreamResult>(new UpstreamResult.Failed(code, "A sentence.", mayHaveRun: true));
        var answer = await sandbox.CallAsync("list_pods", ListPods);
        Assert.Equal((status, code, "A sentence.", "gateway"), (answer.Status, answer.Code, answer.Message, answer.Source));
        var rows = await EventuallyAsync(host, sandbox, AuditEventTypes.ToolExecuted);
        var executed = rows.Single(r => r.EventType == AuditEventTypes.ToolExecuted);
        Assert.Equal(("error", code), (executed.Status, (string)executed.Details!["code"]!));
        Assert.DoesNotContain(rows, r => r.EventType == AuditEventTypes.DataAccessed);
    }

    [Fact]
    public async Task A_targets_own_error_is_passed_on_as_the_targets()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        host.Sender.Answer = (_, _) => Task.FromResult(FakeSender.Json("""{"kind":"Status","code":404}""", 404));
        var answer = await sandbox.CallAsync("list_pods", ListPods);
        Assert.Equal((404, "upstream"), (answer.Status, answer.Source));
        Assert.Equal("error", (await EventuallyAsync(host, sandbox, AuditEventTypes.ToolExecuted)).Single(r => r.EventType == AuditEventTypes.ToolExecuted).Status);
    }

    [Fact]
    public async Task A_body_that_is_refused_at_the_start_is_an_error_and_one_that_breaks_off_is_never_whole()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var refused = new UpstreamBodyException("response_refused", "It can't be inspected.");
        host.Sender.Answer = (_, _) => Task.FromResult(FakeSender.Of(new PiecewiseStream([], refused)));
        var answer = await sandbox.CallAsync("list_pods", ListPods);
        Assert.Equal((502, "response_refused"), (answer.Status, answer.Code));

        host.Sender.Answer = (_, _) => Task.FromResult(FakeSender.Of(new PiecewiseStream(["{\"items\":[", "{}"], refused)));
        var raw = await RawAsync(sandbox, "POST /tools/list_pods", TestSandbox.ToolRequest(ListPods));
        Assert.DoesNotContain("\r\n0\r\n\r\n", raw, StringComparison.Ordinal);
        var rows = await EventuallyAsync(host, sandbox, AuditEventTypes.DataAccessed);
        var accessed = rows.Last(r => r.EventType == AuditEventTypes.DataAccessed);
        Assert.False((bool)accessed.Details!["complete"]!);
    }

    [Fact]
    public async Task What_is_there_goes_on_its_way_while_the_rest_is_waited_for_and_a_whole_answer_says_its_length()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        host.Sender.Answer = (_, _) => Task.FromResult(FakeSender.Of(new PiecewiseStream(["{\"items\":", "[1,2]}"])));
        var whole = await sandbox.CallAsync("list_pods", ListPods);
        Assert.Equal(("15", """{"items":[1,2]}"""), (whole.Headers["content-length"], whole.Body));
        Assert.DoesNotContain("transfer-encoding", whole.Headers.Keys);

        var hold = new TaskCompletionSource();
        host.Sender.Answer = (_, _) => Task.FromResult(FakeSender.Of(new PiecewiseStream(["{\"items\":", "[1,2,3]"], hold: hold.Task)));
        using var connection = await sandbox.ConnectAsync();
        var body = TestSandbox.ToolRequest(ListPods);
        await connection.SendAsync(Encoding.UTF8.GetBytes($"POST /tools/list_pods HTTP/1.1\r\nHost: g\r\nConnection: close\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
        var (got, buffer) = ("", new byte[4_096]);
        async Task ReadUntilAsync(string text)
        {
            while (!got.Contains(text, StringComparison.Ordinal))
            {
                var read = await connection.ReceiveAsync(buffer.AsMemory(), TestContext.Current.CancellationToken);
                Assert.NotEqual(0, read);
                got += Encoding.UTF8.GetString(buffer, 0, read);
            }
        }
        await ReadUntilAsync("{\"items\":[1,2,3]");
        Assert.DoesNotContain("\r\n0\r\n\r\n", got, StringComparison.Ordinal);
        hold.SetResult();
        await ReadUntilAsync("\r\n0\r\n\r\n");
    }

    [Fact]
    public async Task A_client_that_leaves_does_not_take_the_audit_row_with_it()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var sent = new TaskCompletionSource();
        host.Sender.Answer = async (_, ct) =>
        {
            sent.SetResult();
            await Task.Delay(Timeout.Infinite, ct);
            throw new InvalidOperationException();
        };
        using (var connection = await sandbox.ConnectAsync())
        {
            var body = TestSandbox.ToolRequest(ListPods);
            await connection.SendAsync(Encoding.UTF8.GetBytes($"POST /tools/list_pods HTTP/1.1\r\nHost: x\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
            await sent.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        }
        var rows = await EventuallyAsync(host, sandbox, AuditEventTypes.ToolExecuted);
        var executed = rows.Single(r => r.EventType == AuditEventTypes.ToolExecuted);
        Assert.Equal(("error", "client_gone"), (executed.Status, (string)executed.Details!["code"]!));
    }

    [Fact]
    public async Task A_stopped_investigation_gets_nothing_more()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        await sandbox.StopAsync();
        foreach (var target in new[] { "/v1/agent/tools", "/i/kubernetes/api/v1/nodes", "/v1/approvals/apr_00000000000000000000000000000000" })
            Assert.Equal("session_over", (await sandbox.SendAsync("GET", target)).Code);
        Assert.Equal("session_over", (await sandbox.CallAsync("list_pods", ListPods)).Code);
        Assert.Empty(host.Sender.Sent);
    }

    [Fact]
    public async Task A_call_whose_gateway_was_lost_is_closed_as_unknown_once()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        await sandbox.CallAsync("list_pods", ListPods);
        await EventuallyAsync(host, sandbox, AuditEventTypes.DataAccessed);
        var batch = host.Services.GetRequiredService<AuditBatch>();
        AuditEvent Event(string type, string correlation, JsonObject? parameters = null) => new()
        {
            EventType = type, Tool = "get_pod", Status = "pending", CorrelationId = correlation, Parameters = parameters,
            InvestigationId = sandbox.Investigation.Value, SandboxId = sandbox.Id.Value,
        };
        // What an agent may choose looks like an end.
        await batch.CommitAsync(Event(AuditEventTypes.ToolRequested, "lost", new JsonObject { ["event_type"] = "tool_executed", ["correlation_id"] = "lost" }));
        await batch.CommitAsync([Event(AuditEventTypes.ToolRequested, "ended"), Event(AuditEventTypes.ToolExecuted, "ended")]);
        await host.Audit.AppendAsync(Event(AuditEventTypes.ToolRequested, "prepared"), TestContext.Current.CancellationToken);
        await batch.CommitAsync(Event(AuditEventTypes.ToolRequested, "asked"));
        await host.Audit.AppendAsync(Event(AuditEventTypes.ApprovalRequested, "asked"), TestContext.Current.CancellationToken);
        var sweep = host.Services.GetRequiredService<UnfinishedCallsSweep>();
        Assert.Equal(0, await sweep.SweepAsync(TestContext.Current.CancellationToken));
        await host.Database.ShiftClockAsync(UnfinishedCallsSweep.Grace + TimeSpan.FromMinutes(1));
        Assert.Equal(2, await sweep.SweepAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, await sweep.SweepAsync(TestContext.Current.CancellationToken));
        var closed = (await host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolExecuted)).Where(r => r.Status == "unknown").ToList();
        Assert.Equal(["lost", "prepared"], closed.Select(r => r.CorrelationId!).Order());
        Assert.All(closed, c => Assert.Equal("get_pod", c.Tool));
    }

    [Fact]
    public async Task A_call_that_ends_after_the_sweep_saw_it_begin_is_not_closed()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var batch = host.Services.GetRequiredService<AuditBatch>();
        AuditEvent Event(string type) => new() { EventType = type, CorrelationId = "long", InvestigationId = sandbox.Investigation.Value };
        var sweep = host.Services.GetRequiredService<UnfinishedCallsSweep>();
        await batch.CommitAsync(Event(AuditEventTypes.ToolRequested));
        await host.Database.ShiftClockAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(0, await sweep.SweepAsync(TestContext.Current.CancellationToken));
        Assert.Equal(["long"], await host.Database.QueryAsync<string>("select correlation_id from app.calls_open"));
        await batch.CommitAsync(Event(AuditEventTypes.ToolExecuted));
        await host.Database.ShiftClockAsync(TimeSpan.FromMinutes(5) + UnfinishedCallsSweep.Grace);
        Assert.Equal(0, await sweep.SweepAsync(TestContext.Current.CancellationToken));
        Assert.Empty(await host.Database.QueryAsync<string>("select correlation_id from app.calls_open"));
    }

    private static async Task<string> RawAsync(TestSandbox sandbox, string line, string body)
    {
        using var connection = await sandbox.ConnectAsync();
        await connection.SendAsync(Encoding.UTF8.GetBytes($"{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
        using var answer = new MemoryStream();
        try
        {
            await using var stream = new NetworkStream(connection);
            await stream.CopyToAsync(answer, TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            // Cut off, as it should be.
        }
        return Encoding.UTF8.GetString(answer.ToArray());
    }

    // The last rows are written after the answer was.
    private static async Task<IReadOnlyList<AuditEvent>> EventuallyAsync(GatewayHost host, TestSandbox sandbox, string type)
    {
        for (var i = 0; i < 200; i++)
        {
            var rows = await host.AuditAsync(sandbox.Investigation);
            if (rows.Any(r => r.EventType == type))
                return rows;
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
        throw new TimeoutException($"No audit row {type} appeared.");
    }
}
