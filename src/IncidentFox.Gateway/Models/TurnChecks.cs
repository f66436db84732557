using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using IncidentFox.Contracts;

namespace IncidentFox.Gateway.Models;

/// <summary>Whether a turn is a conversation that a provider can be asked. What providers would refuse is refused here, with a better sentence.</summary>
internal static partial class TurnChecks
{
    public const int MaxDepth = 24;
    private const int MostMessages = 200;
    private const int MostCalls = 64;

    /// <summary>What is wrong; null: nothing.</summary>
    public static string? Problem(ModelTurn turn)
    {
        if (turn.Messages.Count is 0 or > MostMessages)
            return $"a turn has 1 to {MostMessages} messages.";
        if (turn.Instructions is { } instructions && string.IsNullOrWhiteSpace(instructions))
            return "the instructions are blank: leave them out.";
        if (turn.Tools is { } tools && (tools.Any(t => t is null) || tools.Distinct(StringComparer.Ordinal).Count() < tools.Count))
            return "each tool is named once.";
        IReadOnlyList<ModelToolCall> open = [];
        for (var i = 0; i < turn.Messages.Count; i++)
        {
            var message = turn.Messages[i];
            if (message is null)
                return $"message {i + 1} is null.";
            if ((message.Role == ModelRole.Tool) != (open.Count > 0))
                return $"message {i + 1} must {(open.Count > 0 ? "hold the results of the calls before it" : "not hold results: nothing was called before it")}.";
            if (Problem(message, open) is { } problem)
                return $"message {i + 1}: {problem}";
            open = message.Calls ?? [];
        }
        if (turn.Messages[0].Role != ModelRole.User)
            return "the first message is the user's.";
        return turn.Messages[^1].Role == ModelRole.Assistant ? "the last message is the user's or a tool's." : null;
    }

    /// <summary>Whether a call's id can be sent back to a provider.</summary>
    public static bool IsId(string? id) => id is not null && Id().IsMatch(id);

    /// <summary>Whether it can be a tool's name.</summary>
    public static bool IsName(string? name) => name is not null && Name().IsMatch(name);

    /// <summary>Whether arguments are an object that both sides can carry.</summary>
    public static bool IsArguments(JsonElement arguments)
    {
        if (arguments.ValueKind != JsonValueKind.Object)
            return false;
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(arguments.GetRawText()), new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            while (reader.Read())
            {
                // A lone surrogate is no text that can be sent on.
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                    _ = reader.GetString();
            }
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static string? Problem(ModelMessage message, IReadOnlyList<ModelToolCall> open)
    {
        if (message.Text is { } text && string.IsNullOrWhiteSpace(text))
            return "its text is blank: leave it out.";
        switch (message.Role)
        {
            case ModelRole.User:
                return message.Text is null || message.Calls is not null || message.Results is not null ? "the user's has a text and nothing else." : null;
            case ModelRole.Assistant:
                if (message.Results is not null || message is { Text: null, Calls: null or [] })
                    return "the assistant's has a text or calls, or both.";
                return message.Calls is { } calls ? Problem(calls) : null;
            case ModelRole.Tool:
                if (message.Text is not null || message.Calls is not null || message.Results is not { } results || results.Any(r => r?.Text is null))
                    return "a tool's has results and nothing else.";
                return results.Select(r => r.Id).Order(StringComparer.Ordinal).SequenceEqual(open.Select(c => c.Id).Order(StringComparer.Ordinal), StringComparer.Ordinal)
                    ? null : "there must be one result for each call of the message before.";
            default:
                return "its role is not known.";
        }
    }

    private static string? Problem(IReadOnlyList<ModelToolCall> calls)
    {
        if (calls.Count > MostCalls || calls.Any(c => c is null || !IsId(c.Id) || !IsName(c.Name)) || calls.Select(c => c.Id).Distinct(StringComparer.Ordinal).Count() < calls.Count)
            return $"at most {MostCalls} calls, each with an id of its own (letters, digits, _ - . :) and a tool's name.";
        return calls.All(c => IsArguments(c.Arguments)) ? null : $"the arguments of a call are an object of at most {MaxDepth} levels.";
    }

    [GeneratedRegex(@"^[A-Za-z0-9_.:-]{1,128}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Id();

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,64}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Name();
}
