using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Host.Tests.Kit;
using IncidentFox.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Host.Tests.Cli;

public sealed class AuditCommandTests(TestPostgres postgres) : IDisposable
{
    private readonly Installation _here = new();

    [Fact]
    public async Task Verify_holds_and_after_tampering_by_the_owner_it_ends_with_exit_code_1_and_names_the_event()
    {
        await using var database = await FilledAsync();
        var (exitCode, output, error) = await _here.RunAsync("audit", "verify");
        Assert.True(exitCode == 0, error);
        Assert.Contains("The chain holds: 3 events sealed", output, StringComparison.Ordinal);

        await database.ExecuteAsync("alter table app.audit_events disable trigger all");
        Assert.Equal(1, await database.ExecuteAsync("update app.audit_events set user_id = 'somebody-else@acme.example' where event_type = 'approval_granted'"));
        await database.ExecuteAsync("alter table app.audit_events enable trigger all");

        (exitCode, output, _) = await _here.RunAsync("audit", "verify");
        Assert.Equal(1, exitCode);
        Assert.Contains("The chain does not hold", output, StringComparison.Ordinal);
        Assert.Contains("PROBLEM", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tail_prints_one_object_a_line_with_the_documented_members_oldest_first()
    {
        await using var database = await FilledAsync();

        var (exitCode, output, error) = await _here.RunAsync("audit", "tail", "--json");

        Assert.True(exitCode == 0, error);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!.AsObject()).ToList();
        Assert.Equal(["investigation_started", "tool_executed", "approval_granted"], lines.Select(l => (string)l["event_type"]!));
        string[] documented = ["timestamp", "event_type", "user_id", "team_id", "tool", "parameters", "duration_ms", "status"];
        Assert.All(lines, l => Assert.Equal(documented, l.Select(m => m.Key).Where(documented.Contains)));
        Assert.Equal("checkout is returning 5xx", (string?)lines[0]["query"]);
        Assert.Equal(12, (long)lines[1]["duration_ms"]!);
        Assert.Equal("checkout-1", (string?)lines[1]["parameters"]!["pod"]);
    }

    [Fact]
    public async Task Tail_filters_and_refuses_what_is_no_id()
    {
        await using var database = await FilledAsync();

        var (_, output, _) = await _here.RunAsync("audit", "tail", "--json", "--type", "tool_executed");
        Assert.Equal("tool_executed", (string?)JsonNode.Parse(output)!["event_type"]);
        var (exitCode, _, error) = await _here.RunAsync("audit", "tail", "--investigation", "'; drop table app.audit_events");
        Assert.Equal(2, exitCode);
        Assert.Contains("is no investigation id", error, StringComparison.Ordinal);
    }

    public void Dispose() => _here.Dispose();

    private async Task<TestDatabase> FilledAsync()
    {
        var ct = TestContext.Current.CancellationToken;
        var database = await postgres.CreateAsync(ct);
        var log = new AuditLog(database.Gateway, database.SharedCipher);
        await log.AppendAsync(new AuditEvent { EventType = AuditEventTypes.InvestigationStarted, UserId = "omar@acme.example", TeamId = "sre", Status = "success", Query = "checkout is returning 5xx" }, ct);
        await log.AppendAsync(new AuditEvent
        {
            EventType = AuditEventTypes.ToolExecuted, UserId = "omar@acme.example", TeamId = "sre", Tool = "get_pod", Parameters = new JsonObject { ["pod"] = "checkout-1" },
            DurationMs = 12, Status = "success",
        }, ct);
        await log.AppendAsync(new AuditEvent { EventType = AuditEventTypes.ApprovalGranted, UserId = "ada@acme.example", TeamId = "sre", Tool = "pod_restart", Status = "success" }, ct);
        Assert.Equal(3, await new AuditSealer(database.Gateway, TimeProvider.System, NullLogger<AuditSealer>.Instance).SealAsync(ct));
        _here.Use(database);
        return database;
    }
}
