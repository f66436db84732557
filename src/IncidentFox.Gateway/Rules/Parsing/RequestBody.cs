using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>
/// A client's body against a rule's template. Every member must stand in the template with the same literal, or where a parameter is.
/// What only the gateway knows (preconditions, the approval) can't come from a client.
/// </summary>
internal static class RequestBody
{
    /// <summary>Puts what the body binds into <paramref name="given"/>; says what is wrong, else null.</summary>
    public static string? Bind(ToolRule rule, ReadOnlyMemory<byte> body, JsonObject given)
    {
        if (body.Length == 0)
            return null;
        if (rule.Body is null)
            return "it takes no body";
        JsonNode? node;
        try
        {
            node = JsonNode.Parse(body.Span, documentOptions: new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
            return Match(rule.Body, node, given) ? null : $"its body holds something that the rule does not; call POST /tools/{rule.Tool} instead";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return "its body is not JSON";
        }
    }

    private static bool Match(JsonNode? template, JsonNode? body, JsonObject given)
    {
        switch (template)
        {
            case JsonObject o:
                return body is JsonObject members && members.All(m => o.TryGetPropertyValue(m.Key, out var t) && Match(t, m.Value, given));
            case JsonArray a:
                return body is JsonArray items && a.Count == items.Count && a.Zip(items).All(p => Match(p.First, p.Second, given));
            case JsonValue v when v.TryGetValue<string>(out var text) && Template.Names(text).ToList() is { Count: > 0 } names:
                if (names is not [var name] || text != $"{{{name}}}" || name.Contains('.') || body is null)
                    return false;
                if (given.TryGetPropertyValue(name, out var already))
                    return JsonNode.DeepEquals(already, body);
                given[name] = body.DeepClone();
                return true;
            default:
                return JsonNode.DeepEquals(template, body);
        }
    }
}
