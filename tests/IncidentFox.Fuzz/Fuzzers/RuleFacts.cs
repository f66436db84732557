using System.Text.Json.Nodes;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Fuzz.Fuzzers;

internal static class RuleFacts
{
    /// <summary>Whether every parameter can be read back from what is sent: a parameter within a longer text can't.</summary>
    public static bool IsReadable(this ToolRule rule) =>
        !rule.Query.Concat(rule.Form ?? []).Any(f => f.Text is not null) && (rule.Precondition is not null || !Mixed(rule.Body))
        && rule.Parameters.All(p => rule.Path.Any(s => s.Parameter == p.Name) || rule.Query.Concat(rule.Form ?? []).Any(f => f.Parameter == p.Name) || Holds(rule.Body, p.Name));

    public static bool IsBound(this ToolRule rule) => rule.Body is not null || rule.Form is not null;

    private static bool Mixed(JsonNode? node) => node switch
    {
        JsonObject o => o.Any(m => Mixed(m.Value)),
        JsonArray a => a.Any(Mixed),
        JsonValue v when v.TryGetValue<string>(out var text) => text.Contains('{', StringComparison.Ordinal) && !(text.StartsWith('{') && text.IndexOf('}', StringComparison.Ordinal) == text.Length - 1),
        _ => false,
    };

    private static bool Holds(JsonNode? node, string parameter) => node switch
    {
        JsonObject o => o.Any(m => Holds(m.Value, parameter)),
        JsonArray a => a.Any(i => Holds(i, parameter)),
        JsonValue v when v.TryGetValue<string>(out var text) => text == $"{{{parameter}}}",
        _ => false,
    };
}
