using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>Checks JSON that a client wrote before it becomes part of a request.</summary>
internal static class JsonText
{
    /// <summary>What is wrong with it; null when it may stand.</summary>
    public static string? Problem(JsonObject value)
    {
        try
        {
            if (!IsShallow(value, 1) || !IsSound(value))
                return $"is nested deeper than {Arguments.MaxDepth} levels, or has broken text in it";
            return JsonSerializer.SerializeToUtf8Bytes(value).Length > Arguments.MaxObject ? $"is longer than {Arguments.MaxObject} bytes" : null;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or JsonException)
        {
            return "has broken text in it";
        }
    }

    private static bool IsShallow(JsonNode? node, int depth) => node switch
    {
        JsonObject o => depth <= Arguments.MaxDepth && o.All(m => IsShallow(m.Value, depth + 1)),
        JsonArray a => depth <= Arguments.MaxDepth && a.All(i => IsShallow(i, depth + 1)),
        _ => true,
    };

    // Surrogates without their other half are not text that can be sent.
    private static bool IsSound(JsonNode? node) => node switch
    {
        JsonObject o => o.All(m => Arguments.IsWellFormed(m.Key) && IsSound(m.Value)),
        JsonArray a => a.All(IsSound),
        JsonValue v when v.GetValueKind() == JsonValueKind.String => Arguments.IsWellFormed(v.GetValue<string>()),
        _ => true,
    };
}
