using System.Text.Json;
using IncidentFox.Contracts;
using Microsoft.Extensions.AI;

namespace IncidentFox.Gateway.Models;

/// <summary>A turn in the words of <see cref="IChatClient"/>, and its answer in ours. Only texts and calls of functions go either way.</summary>
internal static class TurnTranslation
{
    public static List<ChatMessage> Messages(ModelTurn turn)
    {
        var messages = new List<ChatMessage>(turn.Messages.Count + 1);
        if (turn.Instructions is { } instructions)
            messages.Add(new(ChatRole.System, instructions));
        messages.AddRange(turn.Messages.Select(Message));
        return messages;
    }

    public static ChatOptions Options(ModelTurn turn, ModelOffer offer, IReadOnlyList<ToolDescription> tools) => new()
    {
        ModelId = offer.Id,
        MaxOutputTokens = turn.MaxTokens,
        Tools = tools.Count == 0 ? null : [.. tools.Select(t => AIFunctionFactory.CreateDeclaration(t.Name, t.Description, t.InputSchema))],
    };

    /// <summary>The answer; or a sentence that says why it is none that can be passed on.</summary>
    public static (ModelAnswer? Answer, string? Problem) Answer(ChatResponse response, ModelOffer offer, ModelTokens usage)
    {
        var contents = response.Messages.SelectMany(m => m.Contents).ToList();
        var calls = new List<ModelToolCall>();
        foreach (var call in contents.OfType<FunctionCallContent>())
        {
            var arguments = JsonSerializer.SerializeToElement(call.Arguments ?? new Dictionary<string, object?>());
            if (call.Exception is not null || !TurnChecks.IsArguments(arguments) || !TurnChecks.IsId(call.CallId) || !TurnChecks.IsName(call.Name))
                return (null, "The model called a tool in a way that can't be read (its id, name or arguments). Ask again.");
            if (calls.Exists(c => c.Id == call.CallId))
                return (null, "The model gave two calls one id. Ask again.");
            calls.Add(new(call.CallId, call.Name, arguments));
        }
        var text = string.Concat(contents.OfType<TextContent>().Select(t => t.Text));
        return (new ModelAnswer
        {
            Model = offer.Name,
            Text = string.IsNullOrWhiteSpace(text) ? null : text,
            Calls = calls.Count > 0 ? calls : null,
            Stop = StopOf(response.FinishReason, calls.Count > 0, contents),
            Usage = usage,
        }, null);
    }

    private static ChatMessage Message(ModelMessage message) => message.Role switch
    {
        ModelRole.User => new(ChatRole.User, message.Text),
        ModelRole.Assistant => new(ChatRole.Assistant,
            [.. message.Text is { } text ? [new TextContent(text)] : Array.Empty<AIContent>(), .. (message.Calls ?? []).Select(Call)]),
        _ => new(ChatRole.Tool, [.. message.Results!.Select(AIContent (r) => new FunctionResultContent(r.Id, r.Failed ? "The call failed: " + r.Text : r.Text))]),
    };

    private static AIContent Call(ModelToolCall call) =>
        new FunctionCallContent(call.Id, call.Name, call.Arguments.EnumerateObject().ToDictionary(p => p.Name, object? (p) => p.Value));

    private static ModelStop StopOf(ChatFinishReason? reason, bool calls, List<AIContent> contents)
    {
        if (reason == ChatFinishReason.Length)
            return ModelStop.MaxTokens;
        if (reason == ChatFinishReason.ContentFilter || contents.OfType<ErrorContent>().Any())
            return ModelStop.Refused;
        return calls ? ModelStop.ToolCalls : ModelStop.End;
    }
}
