using System.Globalization;
using System.Text.Json.Nodes;

namespace IncidentFox.Core.Audit;

/// <summary>The documented JSON of an audit event: the page's members always, in its order; others where they are set.</summary>
public static class AuditJson
{
    /// <summary>The event as people and log destinations get it, query included where it is still there.</summary>
    public static JsonObject Format(AuditEvent e)
    {
        var json = Sealed(e, null);
        json.Remove("payload_digest");
        if (e.Query is not null)
            json.Insert(2, "query", e.Query);
        return json;
    }

    /// <summary>The part that the hash chain covers: the query only by its salted digest.</summary>
    /// <param name="e">The event.</param>
    /// <param name="payloadDigest">Of its query.</param>
    /// <param name="take">True: nobody needs the event's JSON afterwards, so it is not copied.</param>
    internal static JsonObject Sealed(AuditEvent e, byte[]? payloadDigest, bool take = false)
    {
        JsonNode? Own(JsonObject? node) => take && node is { Parent: null } ? node : node?.DeepClone();
        var json = new JsonObject
        {
            ["timestamp"] = Timestamp(e.At),
            ["event_type"] = e.EventType,
            ["user_id"] = e.UserId,
            ["team_id"] = e.TeamId,
            ["tool"] = e.Tool,
            ["parameters"] = Own(e.Parameters) ?? new JsonObject(),
            ["duration_ms"] = e.DurationMs,
            ["status"] = e.Status,
            ["event_id"] = e.Id.ToString("D", CultureInfo.InvariantCulture),
        };
        Add(json, "org_id", e.OrgId);
        Add(json, "investigation_id", e.InvestigationId is { } i ? new InvestigationId(i).ToString() : null);
        Add(json, "approval_id", e.ApprovalId is { } a ? new ApprovalId(a).ToString() : null);
        Add(json, "sandbox_id", e.SandboxId is { } s ? new SandboxId(s).ToString() : null);
        Add(json, "correlation_id", e.CorrelationId);
        if (e.Details is not null)
            json["details"] = Own(e.Details);
        if (payloadDigest is not null)
            json["payload_digest"] = Convert.ToHexStringLower(payloadDigest);
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
