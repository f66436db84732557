using IncidentFox.Contracts;
using IncidentFox.Gateway.Admission;
using IncidentFox.Gateway.AgentDoor;
using IncidentFox.Gateway.Models.Storage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.Models;

/// <summary>What came of a turn: an answer, or why there is none.</summary>
internal sealed record TurnOutcome(TurnEnd End, ModelAnswer? Answer, string? Sentence, int? RetryAfter);

/// <summary>Asks, and settles what was set aside.</summary>
internal sealed class ModelTurns(ProviderClient client, ModelUsage usage, ILogger<ModelTurns> logger)
{
    // What no turn takes: a provider that says so is wrong.
    private const long MostTokens = 100_000_000;

    public async Task<TurnOutcome> TakeAsync(AgentRequest request, ModelTurn turn, ModelOffer offer, IReadOnlyList<ToolDescription> tools, ModelReservation reserved)
    {
        ChatResponse? response = null;
        ProviderException? failure = null;
        var isSettled = false;
        try
        {
            response = await client.AskAsync(offer, TurnTranslation.Messages(turn), TurnTranslation.Options(turn, offer, tools), ToolAdmission.ContextOf(request), request.Aborted);
            var tokens = Tokens(response, offer);
            isSettled = true;
            await (tokens is null ? usage.UnknownAsync(reserved) : usage.AnsweredAsync(reserved, tokens.InputTokens, tokens.OutputTokens, tokens.CostMicros));
            return Outcome(response, offer, tokens, reserved);
        }
        catch (ProviderException e)
        {
            failure = e;
            logger.LogWarning("The model {Model} of {Provider} gave no answer: {Code}, status {Status} ({CorrelationId})", offer.Name, offer.Provider.Name, e.Code, e.UpstreamStatus, request.CorrelationId);
            var cost = e.MayHaveTaken ? reserved.CostMicros : 0;
            return new(new("error", e.Code, e.UpstreamStatus, null, null, cost, null), null, e.Message, e.RetryAfter);
        }
        finally
        {
            if (!isSettled)
                await (failure is { MayHaveTaken: false } ? usage.NotAskedAsync(reserved) : usage.UnknownAsync(reserved));
        }
    }

    private static TurnOutcome Outcome(ChatResponse response, ModelOffer offer, ModelTokens? tokens, ModelReservation reserved)
    {
        var cost = tokens?.CostMicros ?? reserved.CostMicros;
        // A server that does not count: what was set aside is what is told.
        var (answer, problem) = TurnTranslation.Answer(response, offer, tokens ?? new(reserved.Tokens, 0, cost));
        if (answer is not null && MessageCodec.Write(answer, ContractsJson.Default.ModelAnswer).Length > Protocol.MaxMessageBytes)
            (answer, problem) = (null, $"The model's answer is longer than {Protocol.MaxMessageBytes} bytes: ask for fewer tokens.");
        return answer is null
            ? new(new("error", "response_refused", 200, tokens?.InputTokens, tokens?.OutputTokens, cost, null), null, problem, null)
            : new(new("success", null, 200, tokens?.InputTokens, tokens?.OutputTokens, cost, answer.Stop.ToString().ToLowerInvariant()), answer, null, null);
    }

    private static ModelTokens? Tokens(ChatResponse response, ModelOffer offer) =>
        response.Usage is { InputTokenCount: { } input and >= 0 and <= MostTokens, OutputTokenCount: { } output and >= 0 and <= MostTokens } && input + output > 0
            ? new(input, output, offer.CostMicros(input, output)) : null;
}
