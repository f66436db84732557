using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.AgentDoor;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Admission;

/// <summary>
/// The audit rows of a call. What comes before it decides whether anything is sent; what comes after it is written whatever happened, also when the
/// client is gone: neither hangs on the client's patience.
/// </summary>
internal sealed class CallTrail(AuditBatch audit)
{
    /// <summary>Commits that a call is about to be sent, if the session that it was decided under still stands; anything but committed: nothing may be sent.</summary>
    public Task<AuditOutcome> RequestedAsync(AgentRequest request, ToolCall call, JsonObject details) => audit.CommitAsync(
        Event(request, AuditEventTypes.ToolRequested, call.Tool, "pending", call.Parameters, details), request.Session);

    /// <summary>Commits that a call was refused; before anything was asked of a target only if the session still stands.</summary>
    public Task<AuditOutcome> RefusedAsync(AgentRequest request, string? tool, ToolCall? call, string code, string reason, bool afterRequest = false)
    {
        GatewayMetrics.Refused(tool, call, code);
        return audit.CommitAsync(
            Event(request, AuditEventTypes.ToolRefused, tool, "denied", call?.Parameters, new JsonObject { ["code"] = code, ["method"] = request.Http.Request.Method, ["reason"] = reason }),
            afterRequest ? null : request.Session);
    }

    /// <summary>How it ended, and for a read what was looked at. Completes when the rows have a place among those waiting to be written.</summary>
    public ValueTask EndedAsync(AgentRequest request, ToolRule rule, ToolCall call, OutgoingRequest? sent, CallEnd end, TimeSpan took)
    {
        GatewayMetrics.Ended(call, end, took);
        // In canonical order, so that they are written as they stand.
        var details = new JsonObject { ["bytes"] = end.Bytes };
        if (end.Code is not null)
            details["code"] = end.Code;
        details["integration"] = call.Integration;
        if (end.Rows is { } rows)
            details["row_count"] = rows;
        if (end.UpstreamStatus is { } status)
            details["upstream_status"] = status;
        var executed = Event(request, AuditEventTypes.ToolExecuted, call.Tool, end.Status, call.Parameters, details, (long)took.TotalMilliseconds);
        var accessed = rule.Effect == ToolEffect.Read && sent is not null && end is { UpstreamStatus: >= 200 and < 300 }
            ? Event(request, AuditEventTypes.DataAccessed, call.Tool, end.Status, call.Parameters, new JsonObject
            {
                ["complete"] = end.Code is null, ["data_source"] = rule.DataSource, ["query"] = $"{sent.Method} {sent.PathAndQuery}", ["row_count"] = end.Rows,
            })
            : null;
        return audit.AppendAsync(accessed is null ? [executed] : [executed, accessed]);
    }

    private static AuditEvent Event(AgentRequest request, string type, string? tool, string status, JsonObject? parameters, JsonObject details, long? durationMs = null) => new()
    {
        EventType = type,
        OrgId = request.Session!.Resource.Org.Value,
        TeamId = request.Session.Resource.Team.Value,
        UserId = request.Session.UserId,
        Tool = tool,
        Parameters = parameters,
        DurationMs = durationMs,
        Status = status,
        InvestigationId = request.Session.Investigation.Value,
        SandboxId = request.Sandbox.Value,
        CorrelationId = request.CorrelationId,
        Details = details,
    };
}
