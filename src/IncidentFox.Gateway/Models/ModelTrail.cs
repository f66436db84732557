using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.AgentDoor;

namespace IncidentFox.Gateway.Models;

/// <summary>How a turn ended, for its audit row.</summary>
internal sealed record TurnEnd(string Status, string? Code, int? UpstreamStatus, long? InputTokens, long? OutputTokens, long CostMicros, string? Stop);

/// <summary>The audit rows of a turn: which model, how much, at what cost. Never what was asked or answered.</summary>
internal sealed class ModelTrail(AuditBatch audit)
{
    /// <summary>Commits that a model is about to be asked, if the session that it was decided under still stands; anything but committed: nothing may be sent.</summary>
    public Task<AuditOutcome> RequestedAsync(AgentRequest request, ModelOffer offer, JsonObject parameters, ModelMeasure measure) => audit.CommitAsync(
        Event(request, AuditEventTypes.ModelRequested, "pending") with
        {
            Parameters = parameters,
            Details = new JsonObject
            {
                ["provider"] = offer.Provider.Name, ["credential"] = offer.Provider.Target.Auth.ReferenceFor(write: false),
                ["most_tokens"] = measure.Tokens, ["most_cost_micros"] = measure.CostMicros,
            },
        }, request.Session);

    /// <summary>Commits that a turn was refused, if the session still stands.</summary>
    public Task<AuditOutcome> RefusedAsync(AgentRequest request, JsonObject parameters, string code, string reason)
    {
        GatewayMetrics.ModelRefused(code);
        return audit.CommitAsync(
            Event(request, AuditEventTypes.ModelRefused, "denied") with { Parameters = parameters, Details = new JsonObject { ["code"] = code, ["reason"] = reason } }, request.Session);
    }

    /// <summary>How it ended.</summary>
    public ValueTask EndedAsync(AgentRequest request, ModelOffer offer, JsonObject parameters, TurnEnd end, TimeSpan took)
    {
        GatewayMetrics.ModelEnded(offer, end, took);
        var details = new JsonObject { ["provider"] = offer.Provider.Name, ["cost_micros"] = end.CostMicros };
        if (end.InputTokens is { } input)
            details["input_tokens"] = input;
        if (end.OutputTokens is { } output)
            details["output_tokens"] = output;
        if (end.Stop is not null)
            details["stop"] = end.Stop;
        if (end.Code is not null)
            details["code"] = end.Code;
        if (end.UpstreamStatus is { } status)
            details["upstream_status"] = status;
        return audit.AppendAsync([Event(request, AuditEventTypes.ModelAnswered, end.Status) with { Parameters = parameters, DurationMs = (long)took.TotalMilliseconds, Details = details }]);
    }

    private static AuditEvent Event(AgentRequest request, string type, string status) => new()
    {
        EventType = type,
        OrgId = request.Session!.Resource.Org.Value,
        TeamId = request.Session.Resource.Team.Value,
        UserId = request.Session.UserId,
        Tool = ModelAdmission.Tool,
        Status = status,
        InvestigationId = request.Session.Investigation.Value,
        SandboxId = request.Sandbox.Value,
        CorrelationId = request.CorrelationId,
    };
}
