using System.Globalization;
using System.Text.Json.Nodes;

namespace IncidentFox.Core.Audit;

/// <summary>The documented JSON of an audit event: the page's members always, in its order; others where they are set.</summary>
public static class AuditJson
{
    /// <summary>The event as people and log destinations get it, query included where it is still there.</summary>
    public static JsonObject Format(AuditEvent e)
    {
        var json = new JsonObject { ["timestamp"] = Timestamp(e.At), ["event_type"] = e.EventType };
        Add(json, "query", e.Query);
        json["user_id"] = e.UserId;
        json["team_id"] = e.TeamId;
        json["tool"] = e.Tool;
        json["parameters"] = e.Parameters?.DeepClone() ?? new JsonObject();
        json["duration_ms"] = e.DurationMs;
        json["status"] = e.Status;
        json["event_id"] = e.Id.ToString("D", CultureInfo.InvariantCulture);
        Add(json, "org_id", e.OrgId);
        Add(json, "investigation_id", e.InvestigationId is { } i ? new InvestigationId(i).ToString() : null);
        Add(json, "approval_id", e.ApprovalId is { } a ? new ApprovalId(a).ToString() : null);
        Add(json, "sandbox_id", e.SandboxId is { } s ? new SandboxId(s).ToString() : null);
        Add(json, "correlation_id", e.CorrelationId);
        if (e.Details is not null)
            json["details"] = e.Details.DeepClone();
        return json;
    }

    // PostgreSQL keeps microseconds: six digits, so that the text is the same before and after storage.
    private static string Timestamp(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static void Add(JsonObject json, string name, string? value)
    {
        if (value is not null)
            json[name] = value;
    }
}
