using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Storage;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.AgentDoor;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.Admission;

/// <summary>
/// The audit rows of a call. What comes before it decides whether anything is sent; what comes after it is written whatever happened, also when the
/// client is gone: neither hangs on the client's patience.
/// </summary>
internal sealed class CallTrail(AuditLog audit, Database database, TimeProvider time, ILogger<CallTrail> logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Commits that a call is about to be sent; false: then nothing may be sent.</summary>
    public Task<bool> RequestedAsync(AgentRequest request, ToolCall call, JsonObject details) =>
        TryAsync(request, Event(request, AuditEventTypes.ToolRequested, call.Tool, "pending") with { Parameters = Copy(call), Details = details });

    /// <summary>Commits that a call was refused.</summary>
    public Task<bool> RefusedAsync(AgentRequest request, string? tool, ToolCall? call, string code, string reason) =>
        TryAsync(request, Event(request, AuditEventTypes.ToolRefused, tool, "denied") with
        {
            Parameters = call is null ? null : Copy(call),
            Details = new JsonObject { ["code"] = code, ["reason"] = reason, ["method"] = request.Http.Request.Method },
        });

    /// <summary>How it ended, and for a read what was looked at.</summary>
    public async Task EndedAsync(AgentRequest request, ToolRule rule, ToolCall call, OutgoingRequest? sent, CallEnd end, TimeSpan took)
    {
        var executed = Event(request, AuditEventTypes.ToolExecuted, call.Tool, end.Status) with
        {
            Parameters = Copy(call),
            DurationMs = (long)took.TotalMilliseconds,
            Details = Without(new JsonObject
            {
                ["integration"] = call.Integration, ["upstream_status"] = end.UpstreamStatus, ["code"] = end.Code, ["bytes"] = end.Bytes, ["row_count"] = end.Rows,
            }),
        };
        var accessed = rule.Effect == ToolEffect.Read && sent is not null && end is { UpstreamStatus: >= 200 and < 300 }
            ? Event(request, AuditEventTypes.DataAccessed, call.Tool, end.Status) with
            {
                Parameters = Copy(call),
                Details = new JsonObject
                {
                    ["data_source"] = rule.DataSource, ["query"] = $"{sent.Method} {sent.PathAndQuery}", ["row_count"] = end.Rows, ["complete"] = end.Code is null,
                },
            }
            : null;
        await TryAsync(request, accessed is null ? [executed] : [executed, accessed]);
    }

    private async Task<bool> TryAsync(AgentRequest request, params AuditEvent[] events)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            return await database.InTransactionAsync(async (connection, ct) =>
            {
                foreach (var e in events)
                    await audit.AppendAsync(connection, e, ct);
                return true;
            }, patience.Token);
        }
        catch (Exception e)
        {
            // Whatever the reason: without its row a call does not happen, and a row that is missing at the end is found by the sweep.
            logger.LogError(e, "Audit row {EventType} of {CorrelationId} could not be committed", events[0].EventType, request.CorrelationId);
            return false;
        }
    }

    private static AuditEvent Event(AgentRequest request, string type, string? tool, string status) => new()
    {
        EventType = type,
        OrgId = request.Session!.Resource.Org.Value,
        TeamId = request.Session.Resource.Team.Value,
        UserId = request.Session.UserId,
        Tool = tool,
        Status = status,
        InvestigationId = request.Session.Investigation.Value,
        SandboxId = request.Sandbox.Value,
        CorrelationId = request.CorrelationId,
    };

    private static JsonObject Copy(ToolCall call) => (JsonObject)call.Parameters.DeepClone();

    private static JsonObject Without(JsonObject details)
    {
        foreach (var name in details.Where(d => d.Value is null).Select(d => d.Key).ToList())
            details.Remove(name);
        return details;
    }
}
