using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Core.Tests.Audit;

public sealed class AuditJsonTests(TestPostgres postgres)
{
    // The documentation's own example.
    private const string Page = """
        {
          "timestamp": "2024-01-15T14:30:00Z",
          "event_type": "tool_executed",
          "user_id": "user@company.com",
          "team_id": "team_123",
          "tool": "get_pod_logs",
          "parameters": {
            "namespace": "production",
            "pod": "api-server-xyz"
          },
          "duration_ms": 1234,
          "status": "success"
        }
        """;

    private static readonly AuditEvent Example = new()
    {
        EventType = "tool_executed", UserId = "user@company.com", TeamId = "team_123", Tool = "get_pod_logs", DurationMs = 1234, Status = "success",
        Parameters = new JsonObject { ["namespace"] = "production", ["pod"] = "api-server-xyz" },
    };

    [Fact]
    public async Task The_documented_example_comes_out_member_by_member_in_its_order()
    {
        await using var db = await postgres.CreateAsync();
        await db.FreezeClockAsync(new DateTimeOffset(2024, 1, 15, 14, 30, 0, TimeSpan.Zero));
        await new AuditLog(db.Gateway, db.SharedCipher).AppendAsync(Example, default);
        var json = AuditJson.Format(Assert.Single(await new AuditReader(db.Bot, db.SharedCipher).LastAsync(10, new AuditFilter(), default)));
        var page = (JsonObject)JsonNode.Parse(Page)!;
        Assert.Equal(page.Select(p => p.Key), json.Select(p => p.Key).Take(page.Count));
        foreach (var (name, value) in page.Where(p => p.Key != "timestamp"))
            Assert.True(JsonNode.DeepEquals(value, json[name]), name);
        Assert.Equal(DateTimeOffset.Parse(page["timestamp"]!.GetValue<string>()), DateTimeOffset.Parse(json["timestamp"]!.GetValue<string>()));
        Assert.Equal(["event_id"], json.Select(p => p.Key).Except(page.Select(p => p.Key)));
    }

    [Fact]
    [Trait("kind", "check")]
    public void Every_member_an_event_can_have_is_written_as_on_file()
    {
        Guid Id(int n) => new(n, 0, 0, new byte[8]);
        var json = AuditJson.Format(Example with
        {
            Id = Id(1),
            At = new DateTimeOffset(2024, 1, 15, 14, 30, 0, TimeSpan.Zero).AddMicroseconds(123_456),
            OrgId = "acme",
            InvestigationId = Id(2),
            ApprovalId = Id(3),
            SandboxId = Id(4),
            CorrelationId = "c-1",
            Details = new JsonObject { ["row_count"] = 3 },
            Query = "why <b>?",
        });
        Golden.Matches("audit-event.golden.json", json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }

    [Fact]
    public void Members_without_a_value_are_null_and_parameters_are_an_object()
    {
        var json = AuditJson.Format(new AuditEvent { EventType = "approval_expired" });
        Assert.Equal(["timestamp", "event_type", "user_id", "team_id", "tool", "parameters", "duration_ms", "status", "event_id"], json.Select(p => p.Key));
        Assert.Equal("{}", json["parameters"]!.ToJsonString());
        Assert.Null(json["user_id"]);
    }
}
