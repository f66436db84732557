using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>
/// Literals that tell rules of one method and path apart: an AWS action in a form, a target in a header, a JSON-RPC method in a body. A request says which
/// rule it means by carrying that literal.
/// </summary>
internal static class Discriminator
{
    private static readonly ConditionalWeakTable<ToolRule, Dictionary<string, string>> Known = [];

    /// <summary>Whether a literal that both rules have at the same place differs.</summary>
    public static bool TellsApart(ToolRule a, ToolRule b)
    {
        var literals = Of(a);
        return Of(b).Any(l => literals.TryGetValue(l.Key, out var other) && other != l.Value);
    }

    /// <summary>The one rule that a request means; null when it carries nothing that tells.</summary>
    public static ToolRule? Choose(IReadOnlyList<ToolRule> rules, IncomingRequest request)
    {
        var sent = rules.Select(Of).SelectMany(l => l.Keys).Distinct(StringComparer.Ordinal).ToDictionary(p => p, request.At, StringComparer.Ordinal);
        return rules.FirstOrDefault(rule => rules.All(other => ReferenceEquals(rule, other) || IsMeant(Of(rule), Of(other), sent)));
    }

    /// <summary>Where the rules differ, for people.</summary>
    public static string Places(IReadOnlyList<ToolRule> rules) => string.Join(", ", rules.SelectMany(r => Of(r).Keys).Distinct(StringComparer.Ordinal));

    // At least one literal of the rule that the other has not, and none of the other's: so at most one rule of a set is meant.
    private static bool IsMeant(Dictionary<string, string> literals, Dictionary<string, string> others, Dictionary<string, string?> sent)
    {
        var told = false;
        foreach (var (place, literal) in literals)
        {
            if (!others.TryGetValue(place, out var other) || other == literal || sent[place] is not { } value)
                continue;
            if (value != literal)
                return false;
            told = true;
        }
        return told;
    }

    private static Dictionary<string, string> Of(ToolRule rule) => Known.GetValue(rule, static r => Read(r));

    private static Dictionary<string, string> Read(ToolRule rule)
    {
        var literals = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in rule.Query)
        {
            if (field.Literal is not null)
                literals.TryAdd("query " + field.Key, field.Literal);
        }
        foreach (var header in rule.Headers)
            literals.TryAdd("header " + header.Name.ToLowerInvariant(), header.Value);
        foreach (var field in rule.Form ?? [])
        {
            if (field.Literal is not null)
                literals.TryAdd("form " + field.Key, field.Literal);
        }
        Members(rule.Body, "", literals);
        return literals;
    }

    private static void Members(JsonNode? node, string path, Dictionary<string, string> literals)
    {
        if (node is JsonObject members)
        {
            foreach (var (name, value) in members)
                Members(value, $"{path}/{name}", literals);
        }
        else if (node is JsonArray items)
        {
            for (var i = 0; i < items.Count; i++)
                Members(items[i], $"{path}/{i}", literals);
        }
        else if (node is JsonValue value && path.Length > 0 && !(value.TryGetValue<string>(out var text) && Template.Names(text).Any()))
            literals["body " + path] = value.ToJsonString();
    }
}
