using System.Text.Json;

namespace IncidentFox.Bot.Cards;

/// <summary>
/// The agent's report as it stands in the database: the documented JSON, read leniently. Every string is the agent's and hostile; what is missing or of
/// another shape is left out, never guessed.
/// </summary>
public sealed record AgentReport
{
    private const int MaxItems = 20;

    public string WhatHappened { get; init; } = "";
    public string Why { get; init; } = "";
    public string Confidence { get; init; } = "";
    public IReadOnlyList<AgentEvidence> Evidence { get; init; } = [];
    public IReadOnlyList<string> NextSteps { get; init; } = [];
    public IReadOnlyList<string> NotSeen { get; init; } = [];
    public string Method { get; init; } = "";

    /// <summary>Null when there is none, or it is not JSON.</summary>
    public static AgentReport? TryParse(string? json)
    {
        if (AgentJson.TryParse(json) is not { } root)
            return null;
        return new AgentReport
        {
            WhatHappened = root.Text("what_happened"),
            Why = root.Text("why"),
            Confidence = root.Text("confidence") is "low" or "medium" or "high" ? root.Text("confidence") : "",
            Evidence = [.. root.Items("evidence").Take(MaxItems).Where(e => e.ValueKind == JsonValueKind.Object)
                .Select(e => new AgentEvidence(e.Text("statement"), e.Text("tool"), e.Text("excerpt")))],
            NextSteps = root.Lines("next_steps", MaxItems),
            NotSeen = root.Lines("not_seen", MaxItems),
            Method = root.Text("method"),
        };
    }
}

/// <summary>One piece of evidence.</summary>
public sealed record AgentEvidence(string Statement, string Tool, string Excerpt);

internal static class AgentJson
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32 };

    public static JsonElement? TryParse(string? json)
    {
        if (json is null)
            return null;
        try
        {
            using var document = JsonDocument.Parse(json, Options);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static string Text(this JsonElement o, string name)
    {
        if (!o.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.String)
            return "";
        try
        {
            return value.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            return ""; // half a surrogate pair
        }
    }

    public static IEnumerable<JsonElement> Items(this JsonElement o, string name) =>
        o.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];

    public static IReadOnlyList<string> Lines(this JsonElement o, string name, int max) =>
        [.. o.Items(name).Take(max).Where(e => e.ValueKind == JsonValueKind.String).Select(Line).Where(l => l.Length > 0)];

    private static string Line(JsonElement value)
    {
        try
        {
            return value.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            return "";
        }
    }
}
