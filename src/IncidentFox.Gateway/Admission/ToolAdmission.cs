using System.Globalization;
using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.AgentDoor;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Admission;

/// <summary>
/// What happens to a call, in this order and no other: a rule must have made it, policy must allow it, its audit row must be committed; only then is
/// it sent, and how it ended is written down whatever happens.
/// </summary>
internal sealed class ToolAdmission(PolicySource policies, CallTrail trail, SessionCache sessions, IUpstreamSender sender, ApprovalAsking asking, TimeProvider time)
{
    public Task HandleAsync(AgentRequest request, ParsedCall parsed, string? reason) =>
        Deciding.UntilItStandsAsync(request, sessions, () => TryHandleAsync(request, parsed, reason));

    // False: the session that it was decided under does not stand any more.
    private async Task<bool> TryHandleAsync(AgentRequest request, ParsedCall parsed, string? reason)
    {
        if (parsed is not ParsedCall.Call call)
        {
            var refused = (ParsedCall.Refused)parsed;
            return await TryRefuseAsync(request, refused.Tool, null, StatusOf(refused.Code), refused.Code, refused.Sentence);
        }
        var (org, team) = (request.Session!.Resource.Org, request.Session.Resource.Team);
        var policy = policies.For(org, team);
        switch (ToolDecider.Decide(policy, ToolFacts.Of(call.ToolCall, call.Rule.OtherNames, request.Session.LowestRequesterRole, time.GetUtcNow())))
        {
            case ToolDecision.Allow when call.Rule.Effect == ToolEffect.Read:
                return await TryForwardAsync(request, call);
            case ToolDecision.NeedsApproval terms:
                return await asking.TryAskAsync(request, call, reason, terms.Workflow, policy);
            case ToolDecision.Deny deny:
                return await TryRefuseAsync(request, call.Rule.Tool, call.ToolCall, 403, "denied", deny.Reason);
            default:
                // A write that nobody is asked about: policy never says so, and if it did it would not be obeyed.
                return await TryRefuseAsync(request, call.Rule.Tool, call.ToolCall, 403, "denied", $"Tool {call.Rule.Tool} changes something and no approval is asked for.");
        }
    }

    private async Task<bool> TryForwardAsync(AgentRequest request, ParsedCall.Call call)
    {
        var outgoing = RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, preconditions: null, approval: null, dryRun: false, call.Opaque);
        var written = await trail.RequestedAsync(request, call.ToolCall, Details(call));
        if (written != AuditOutcome.Committed)
            return await WasAnsweredAsync(request, written);
        var started = time.GetTimestamp();
        var end = new CallEnd("error", null, "client_gone", null, 0);
        try
        {
            await sessions.RecordFirstCallAsync(request.Sandbox, request.Aborted);
            end = await SendAsync(request, call, outgoing);
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            end = end with { Code = "internal" };
            throw;
        }
        finally
        {
            await trail.EndedAsync(request, call.Rule, call.ToolCall, outgoing, end, time.GetElapsedTime(started));
        }
    }

    private async Task<CallEnd> SendAsync(AgentRequest request, ParsedCall.Call call, OutgoingRequest outgoing)
    {
        switch (await sender.SendAsync(outgoing, ContextOf(request), request.Aborted))
        {
            case UpstreamResult.Response response:
                await using (response)
                    return await ResponseRelay.PassOnAsync(request, response, call.Rule);
            case UpstreamResult.Failed failed:
                if (failed.RetryAfter is { } wait)
                    request.Http.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString("0", CultureInfo.InvariantCulture);
                await request.RefuseAsync(StatusOf(failed.Code), failed.Code, failed.Sentence);
                return new("error", null, failed.Code, null, 0);
            default:
                throw new InvalidOperationException("A result that is neither an answer nor a failure.");
        }
    }

    private async Task<bool> TryRefuseAsync(AgentRequest request, string? tool, ToolCall? call, int status, string code, string sentence)
    {
        var written = await trail.RefusedAsync(request, tool, call, code, sentence);
        if (written != AuditOutcome.Committed)
            return await WasAnsweredAsync(request, written);
        await request.RefuseAsync(status, code, sentence);
        return true;
    }

    /// <summary>No row: answers that, unless there is something to look at again.</summary>
    internal static async Task<bool> WasAnsweredAsync(AgentRequest request, AuditOutcome outcome)
    {
        if (outcome == AuditOutcome.SessionChanged)
            return false;
        await AuditUnavailableAsync(request);
        return true;
    }

    internal static Task AuditUnavailableAsync(AgentRequest request) =>
        request.RefuseAsync(503, "audit_unavailable", "The audit row could not be written, so nothing was sent. Try again.");

    internal static SendContext ContextOf(AgentRequest request) => new()
    {
        Org = request.Session!.Resource.Org,
        Team = request.Session.Resource.Team,
        Investigation = request.Session.Investigation,
        Sandbox = request.Sandbox,
        UserId = request.Session.UserId,
        CorrelationId = request.CorrelationId,
    };

    internal static JsonObject Details(ParsedCall.Call call) => new()
    {
        ["integration"] = call.Integration.Name, ["effect"] = call.Rule.Effect.ToString().ToLowerInvariant(), ["rule_version"] = call.Rule.Version,
        ["credential"] = call.Integration.Auth.ReferenceFor(write: call.Rule.Effect != ToolEffect.Read),
    };

    /// <summary>The HTTP status of a code.</summary>
    internal static int StatusOf(string code) => code switch
    {
        "bad_arguments" or "bad_request" => 400,
        "no_rule" or "no_credential" or "denied" => 403,
        "integration_busy" => 429,
        "credential_unavailable" or "audit_unavailable" or "circuit_open" => 503,
        "upstream_timeout" => 504,
        _ => 502,
    };
}
