using System.Text.Json.Nodes;
using IncidentFox.Contracts;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Admission;
using IncidentFox.Gateway.AgentDoor;
using IncidentFox.Gateway.Models.Storage;

namespace IncidentFox.Gateway.Models;

/// <summary>
/// What happens to a turn, in this order and no other: policy must allow it, the team must have the model and the tools, the budgets must hold the most that it
/// can take, its audit row must be committed; only then is the model asked, and how it ended is written down whatever happens.
/// </summary>
internal sealed class ModelAdmission(
    ModelCatalog catalog, PolicySource policies, OfferedTools offered, ModelUsage usage, ModelTrail trail, SessionCache sessions, ModelTurns turns, TimeProvider time)
{
    /// <summary>What policy and the audit trail call it: <c>tools.model_turn.enabled</c> switches models off, <c>allowed_roles</c> says for whom.</summary>
    public const string Tool = "model_turn";

    public Task HandleAsync(AgentRequest request, ModelTurn turn, int bytes) =>
        Deciding.UntilItStandsAsync(request, sessions, () => TryHandleAsync(request, turn, bytes));

    // False: the session that it was decided under does not stand any more.
    private async Task<bool> TryHandleAsync(AgentRequest request, ModelTurn turn, int bytes)
    {
        var session = request.Session!;
        var parameters = new JsonObject { ["messages"] = turn.Messages.Count, ["bytes"] = bytes, ["tools"] = turn.Tools?.Count ?? 0, ["max_tokens"] = turn.MaxTokens };
        switch (ToolDecider.Decide(policies.For(session.Resource.Org, session.Resource.Team), new ToolFacts(Tool, ToolEffect.Read, session.LowestRequesterRole) { At = time.GetUtcNow() }))
        {
            case ToolDecision.Deny deny:
                return await TryRefuseAsync(request, parameters, 403, "denied", deny.Reason);
            case ToolDecision.NeedsApproval:
                return await TryRefuseAsync(request, parameters, 403, "denied", "Policy wants an approval for every turn of a model, which nobody is asked for: switch models off, or take the approval out of the policy.");
        }
        if (catalog.Find(session.Resource.Team, turn.Model) is not { } offer)
            return await TryRefuseAsync(request, parameters, 403, "no_model", NoModel(request, turn));
        parameters["model"] = offer.Name;
        if (turn.MaxTokens < 1 || turn.MaxTokens > offer.MaxOutputTokens)
            return await TryRefuseAsync(request, parameters, 400, "bad_message", $"max_tokens is from 1 to {offer.MaxOutputTokens} for the model {offer.Name}.");
        var tools = new List<ToolDescription>();
        foreach (var name in turn.Tools ?? [])
        {
            if (offered.Find(session, name) is not { } tool)
                return await TryRefuseAsync(request, parameters, 400, "bad_message", $"A tool of the turn is not in this sandbox's list (GET {Protocol.ToolsPath}).");
            tools.Add(tool);
        }
        var measure = ModelMeasure.Of(turn, bytes, offer, tools);
        var (reserved, over) = await usage.ReserveAsync(session, offer, measure.Tokens, measure.CostMicros, request.Aborted);
        if (reserved is null)
            return await TryRefuseAsync(request, parameters, 429, "budget_exceeded", over!);
        var written = AuditOutcome.Failed;
        try
        {
            written = await trail.RequestedAsync(request, offer, parameters, measure);
        }
        finally
        {
            if (written != AuditOutcome.Committed)
                await usage.NotAskedAsync(reserved);
        }
        if (written != AuditOutcome.Committed)
            return await ToolAdmission.WasAnsweredAsync(request, written);
        await AskAsync(request, turn, offer, tools, reserved, parameters);
        return true;
    }

    private async Task AskAsync(AgentRequest request, ModelTurn turn, ModelOffer offer, List<ToolDescription> tools, ModelReservation reserved, JsonObject parameters)
    {
        var started = time.GetTimestamp();
        TurnOutcome? outcome = null;
        try
        {
            outcome = await turns.TakeAsync(request, turn, offer, tools, reserved);
        }
        finally
        {
            // Without an outcome: the client left, or a bug. What was set aside stays taken.
            await trail.EndedAsync(request, offer, parameters, outcome?.End ?? new("error", "client_gone", null, null, null, reserved.CostMicros, null), time.GetElapsedTime(started));
        }
        if (outcome.Answer is { } answer)
            await request.AnswerAsync(200, answer, ContractsJson.Default.ModelAnswer);
        else
        {
            if (outcome.RetryAfter is { } after)
                request.Http.Response.Headers.RetryAfter = after.ToString(System.Globalization.CultureInfo.InvariantCulture);
            await request.RefuseAsync(StatusOf(outcome.End.Code!), outcome.End.Code!, outcome.Sentence!);
        }
    }

    private async Task<bool> TryRefuseAsync(AgentRequest request, JsonObject parameters, int status, string code, string sentence)
    {
        var written = await trail.RefusedAsync(request, parameters, code, sentence);
        if (written != AuditOutcome.Committed)
            return await ToolAdmission.WasAnsweredAsync(request, written);
        await request.RefuseAsync(status, code, sentence);
        return true;
    }

    private string NoModel(AgentRequest request, ModelTurn turn)
    {
        var names = catalog.Of(request.Session!.Resource.Team).Select(o => o.Name).ToList();
        return names.Count == 0 ? "This team has no model: an admin can name one under Models:Providers."
            : $"This team has no model of that name{(turn.Model is null ? "" : " as the turn gives")}. It has: {string.Join(", ", names)}.";
    }

    private static int StatusOf(string code) => code switch
    {
        "model_rate_limited" => 429,
        "model_overloaded" => 503,
        "context_too_long" => 413,
        "model_refused_turn" => 422,
        _ => ToolAdmission.StatusOf(code),
    };
}
