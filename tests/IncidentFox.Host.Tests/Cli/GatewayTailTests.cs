using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Host.Cli;
using IncidentFox.Host.Tests.Kit;
using IncidentFox.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Host.Tests.Cli;

public sealed class GatewayTailTests(TestPostgres postgres) : IDisposable
{
    private readonly Installation _here = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_call_is_a_line_with_what_became_of_it_and_a_refusal_says_why()
    {
        await using var database = await FilledAsync();

        var (exitCode, output, error) = await _here.RunAsync("gateway", "tail", "--no-follow");

        Assert.True(exitCode == 0, error);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.Contains("success  sre  inv_01020304…  list_pods  kubernetes  status 200  12 ms  7 rows", lines[0], StringComparison.Ordinal);
        Assert.Contains("success  sre  -  model_turn  anthropic  status 200  900 ms  812 tokens in  90 tokens out", lines[1], StringComparison.Ordinal);
        Assert.Contains("refused  sre  -  model_turn  [budget_exceeded]  Over budget.", lines[2], StringComparison.Ordinal);
        Assert.Contains("refused  payments  -  (no tool)  [no_rule]  No rule allows", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Filters_hold_and_json_is_the_trails_own_format()
    {
        await using var database = await FilledAsync();

        var (_, refused, _) = await _here.RunAsync("gateway", "tail", "--no-follow", "--refused", "--json");
        Assert.Equal(["model_refused", "tool_refused"], refused.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => (string?)JsonNode.Parse(l)!["event_type"]));
        var (_, team, _) = await _here.RunAsync("gateway", "tail", "--no-follow", "--team", "sre", "--json");
        Assert.Equal(["list_pods", "model_turn", "model_turn"], team.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => (string?)JsonNode.Parse(l)!["tool"]));
        var (_, tool, _) = await _here.RunAsync("gateway", "tail", "--no-follow", "--tool", "get_pod_logs");
        Assert.Empty(tool);
    }

    [Fact]
    public async Task What_an_agent_said_can_not_steer_the_terminal()
    {
        await using var database = await FilledAsync();

        var (_, output, _) = await _here.RunAsync("gateway", "tail", "--no-follow", "--refused", "--team", "payments");

        Assert.DoesNotContain(output.TrimEnd('\n'), char.IsControl);
        Assert.DoesNotContain('\u202e', output);
        Assert.Contains("[bold]/x\uFFFD[2J\uFFFD", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Following_shows_new_calls_until_it_is_stopped()
    {
        await using var database = await FilledAsync();
        var reader = new AuditReader(database.Gateway, database.SharedCipher);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var seen = new List<string?>();
        var begun = new TaskCompletionSource();

        var following = AuditFollow.RunAsync(reader, 1, new AuditFilter { EventType = AuditEventTypes.ToolRefused }, e =>
        {
            seen.Add(e.Tool);
            begun.TrySetResult();
            if (e.Tool == "new")
                stop.Cancel();
        }, stop.Token);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30), Ct);
        await new AuditLog(database.Gateway, database.SharedCipher).AppendAsync(new AuditEvent { EventType = AuditEventTypes.ToolRefused, Tool = "new" }, Ct);
        await SealAsync(database);

        await following.WaitAsync(TimeSpan.FromSeconds(30), Ct);
        Assert.Equal([null, "new"], seen);
    }

    public void Dispose() => _here.Dispose();

    private async Task<TestDatabase> FilledAsync()
    {
        var database = await postgres.CreateAsync(Ct);
        var log = new AuditLog(database.Gateway, database.SharedCipher);
        await log.AppendAsync(new AuditEvent { EventType = AuditEventTypes.ToolRequested, TeamId = "sre", Tool = "list_pods", Status = "pending" }, Ct);
        await log.AppendAsync(new AuditEvent
        {
            EventType = AuditEventTypes.ToolExecuted, TeamId = "sre", Tool = "list_pods", Status = "success", DurationMs = 12,
            InvestigationId = Guid.Parse("01020304-0506-7708-890a-0b0c0d0e0f10"),
            Details = new JsonObject { ["integration"] = "kubernetes", ["upstream_status"] = 200, ["row_count"] = 7 },
        }, Ct);
        await log.AppendAsync(new AuditEvent
        {
            EventType = AuditEventTypes.ModelAnswered, TeamId = "sre", Tool = "model_turn", Status = "success", DurationMs = 900,
            Details = new JsonObject { ["provider"] = "anthropic", ["upstream_status"] = 200, ["input_tokens"] = 812, ["output_tokens"] = 90 },
        }, Ct);
        await log.AppendAsync(new AuditEvent
        {
            EventType = AuditEventTypes.ModelRefused, TeamId = "sre", Tool = "model_turn", Status = "denied",
            Details = new JsonObject { ["code"] = "budget_exceeded", ["reason"] = "Over budget." },
        }, Ct);
        await log.AppendAsync(new AuditEvent
        {
            EventType = AuditEventTypes.ToolRefused, TeamId = "payments", Status = "denied",
            Details = new JsonObject { ["code"] = "no_rule", ["reason"] = "No rule allows GET [bold]/x\u001b[2J\u202e\n2026-01-01 forged line" },
        }, Ct);
        await SealAsync(database);
        _here.Use(database);
        return database;
    }

    private static Task<int> SealAsync(TestDatabase database) =>
        new AuditSealer(database.Gateway, TimeProvider.System, NullLogger<AuditSealer>.Instance).SealAsync(Ct);
}
