using System.Text.Json;
using System.Text.Json.Serialization;

namespace IncidentFox.Contracts;

/// <summary>
/// Body of <c>POST /v1/agent/model</c>: one question to a model, with all that was said before. What it can't say can't be asked for: no tools that run at
/// the provider, no remote servers, no files, no addresses to fetch, no options of a provider. Unknown members are refused.
/// </summary>
public sealed record ModelTurn : Message
{
    /// <inheritdoc />
    public override string Type => "model_turn";

    /// <summary>A model that the installation offers this team; absent: the first of them.</summary>
    public string? Model { get; init; }

    /// <summary>What the model is told about its task (the system prompt).</summary>
    public string? Instructions { get; init; }

    /// <summary>1 to 200, oldest first. The first is the user's, the last the user's or a tool's; results follow the message with the calls they answer.</summary>
    public required IReadOnlyList<ModelMessage> Messages { get; init; }

    /// <summary>Names from this sandbox's tool list, each once. Descriptions and schemas are the gateway's.</summary>
    public IReadOnlyList<string>? Tools { get; init; }

    /// <summary>Most tokens of the answer: 1 to what the installation allows for the model.</summary>
    public required int MaxTokens { get; init; }
}

/// <summary>One message of a conversation.</summary>
public sealed record ModelMessage
{
    /// <summary>Whose it is.</summary>
    public required ModelRole Role { get; init; }

    /// <summary>Of the user or the assistant; not blank.</summary>
    public string? Text { get; init; }

    /// <summary>The assistant's, as a <see cref="ModelAnswer"/> had them.</summary>
    public IReadOnlyList<ModelToolCall>? Calls { get; init; }

    /// <summary>A tool message's: one for every call of the message before.</summary>
    public IReadOnlyList<ModelToolResult>? Results { get; init; }
}

/// <summary>Whose message it is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ModelRole>))]
public enum ModelRole
{
    /// <summary>What is asked.</summary>
    [JsonStringEnumMemberName("user")] User,

    /// <summary>What the model said.</summary>
    [JsonStringEnumMemberName("assistant")] Assistant,

    /// <summary>What tools answered.</summary>
    [JsonStringEnumMemberName("tool")] Tool,
}

/// <summary>A tool that the model wants called. Calling it is the agent's work, by <see cref="Protocol.ToolPathPrefix"/> and under its rules.</summary>
/// <param name="Id">Ties the result to it: 1 to 128 of letters, digits and <c>_ - . :</c>.</param>
/// <param name="Name">The tool.</param>
/// <param name="Arguments">An object, at most 24 levels deep.</param>
public sealed record ModelToolCall(string Id, string Name, JsonElement Arguments);

/// <summary>What a tool answered, as text.</summary>
/// <param name="Id">Of the call.</param>
/// <param name="Text">Whatever the agent wants the model to see of it.</param>
/// <param name="Failed">True when the call failed.</param>
public sealed record ModelToolResult(string Id, string Text, bool Failed);

/// <summary>200: what the model answered.</summary>
public sealed record ModelAnswer : Message
{
    /// <inheritdoc />
    public override string Type => "model_answer";

    /// <summary>Which model answered, as the installation calls it.</summary>
    public required string Model { get; init; }

    /// <summary>Its words, if any.</summary>
    public string? Text { get; init; }

    /// <summary>The tools that it wants called, if any.</summary>
    public IReadOnlyList<ModelToolCall>? Calls { get; init; }

    /// <summary>Why it stopped.</summary>
    public required ModelStop Stop { get; init; }

    /// <summary>What it took.</summary>
    public required ModelTokens Usage { get; init; }
}

/// <summary>Why a model stopped.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ModelStop>))]
public enum ModelStop
{
    /// <summary>It had said everything.</summary>
    [JsonStringEnumMemberName("end")] End,

    /// <summary>It waits for tools.</summary>
    [JsonStringEnumMemberName("tool_calls")] ToolCalls,

    /// <summary>The answer was cut at <see cref="ModelTurn.MaxTokens"/>.</summary>
    [JsonStringEnumMemberName("max_tokens")] MaxTokens,

    /// <summary>It or its provider refused to answer.</summary>
    [JsonStringEnumMemberName("refused")] Refused,
}

/// <summary>What a turn took, as it counts against the budgets.</summary>
/// <param name="InputTokens">Of the question, with all that was said before.</param>
/// <param name="OutputTokens">Of the answer.</param>
/// <param name="CostMicros">Millionths of the currency that the installation's prices are in; 0 without prices.</param>
public sealed record ModelTokens(long InputTokens, long OutputTokens, long CostMicros);
