using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core;

namespace IncidentFox.Gateway.Rules;

/// <summary>What the placeholders of a template stand for.</summary>
/// <param name="Parameters">The call's typed parameters: <c>{name}</c>.</param>
/// <param name="Preconditions">What was captured: <c>{precondition.name}</c>; null before it was read.</param>
/// <param name="Approval"><c>{approval.id}</c>; null before there is one, and then the placeholder stays as it is.</param>
/// <param name="Seen">What was read only to be shown: <c>{seen.name}</c>; null where nothing is shown.</param>
public sealed record TemplateValues(JsonObject Parameters, JsonObject? Preconditions = null, ApprovalId? Approval = null, JsonObject? Seen = null);

/// <summary>
/// Texts with placeholders. A text that is nothing but one placeholder takes the value with its type; inside a longer text values are written as text.
/// Values are put in once and never read again for placeholders. In a list, <c>{...name}</c> stands for the items of a list.
/// </summary>
public static class Template
{
    /// <summary>The text with its placeholders filled in; absent values are empty.</summary>
    public static string Text(string template, TemplateValues values)
    {
        var text = new StringBuilder();
        foreach (var part in Parts(template))
            text.Append(part.Name is null ? part.Text : AsText(Look(part, values).Value));
        return text.ToString();
    }

    /// <summary>The JSON with its placeholders filled in. A member or item that is one placeholder without a value is left out.</summary>
    public static JsonNode? Json(JsonNode? template, TemplateValues values) => TryJson(template, values, out var node) ? node : null;

    /// <summary>The names in a text: <c>namespace</c>, <c>precondition.uid</c>, <c>approval.id</c>.</summary>
    public static IEnumerable<string> Names(string template) => Parts(template).Where(p => p.Name is not null).Select(p => p.Name!);

    /// <summary>The names in all texts of a JSON value.</summary>
    public static IEnumerable<string> Names(JsonNode? template) => template switch
    {
        JsonObject o => o.SelectMany(p => Names(p.Value)),
        JsonArray a => a.SelectMany(Names),
        JsonValue v when v.TryGetValue<string>(out var text) => Names(text),
        _ => [],
    };

    /// <summary>The only placeholder of a text and what stands around it; null when it has none or several.</summary>
    public static (string Before, string Name, string After)? Single(string template) => Parts(template) switch
    {
        [{ Name: { } name }] => ("", name, ""),
        [{ Name: null } before, { Name: { } name }] => (before.Text, name, ""),
        [{ Name: { } name }, { Name: null } after] => ("", name, after.Text),
        [{ Name: null } before, { Name: { } name }, { Name: null } after] => (before.Text, name, after.Text),
        _ => null,
    };

    private static bool TryJson(JsonNode? template, TemplateValues values, out JsonNode? node)
    {
        node = null;
        switch (template)
        {
            case JsonObject o:
                var members = new JsonObject();
                foreach (var (name, value) in o)
                {
                    if (TryJson(value, values, out var member))
                        members.Add(name, member);
                }
                node = members;
                return true;
            case JsonArray a:
                var items = new JsonArray();
                foreach (var value in a)
                {
                    if (value is JsonValue spread && spread.TryGetValue<string>(out var list) && Parts(list) is [{ Name: not null, IsSpread: true } many])
                    {
                        foreach (var one in Look(many, values).Value as JsonArray ?? [])
                            items.Add(one?.DeepClone());
                    }
                    else if (TryJson(value, values, out var item))
                        items.Add(item);
                }
                node = items;
                return true;
            case JsonValue v when v.TryGetValue<string>(out var text):
                if (Parts(text) is [{ Name: not null } only])
                {
                    var (present, value) = Look(only, values);
                    node = value?.DeepClone();
                    return present;
                }
                node = JsonValue.Create(Text(text, values));
                return true;
            default:
                node = template?.DeepClone();
                return true;
        }
    }

    private static (bool Present, JsonNode? Value) Look(Part part, TemplateValues values)
    {
        if (part.Name == "approval.id")
            return (true, JsonValue.Create(values.Approval?.ToString() ?? part.Text));
        const string Captured = "precondition.";
        const string Seen = "seen.";
        if (part.Name!.StartsWith(Captured, StringComparison.Ordinal))
            return Find(values.Preconditions, part.Name[Captured.Length..]);
        return part.Name.StartsWith(Seen, StringComparison.Ordinal) ? Find(values.Seen, part.Name[Seen.Length..]) : Find(values.Parameters, part.Name);
    }

    private static (bool, JsonNode?) Find(JsonObject? from, string name) =>
        from is not null && from.TryGetPropertyValue(name, out var value) ? (true, value) : (false, null);

    private static string AsText(JsonNode? value) => value switch
    {
        null => "",
        JsonValue v when v.TryGetValue<string>(out var text) => text,
        JsonArray list => string.Join(", ", list.Select(AsText)),
        _ => value.ToJsonString(),
    };

    // "{" starts a placeholder only when a name and "}" follow; anything else is text.
    private static List<Part> Parts(string template)
    {
        var parts = new List<Part>();
        var start = 0;
        for (var open = template.IndexOf('{'); open >= 0; open = template.IndexOf('{', open + 1))
        {
            var close = template.IndexOf('}', open);
            if (close < 0)
                break;
            var name = template[(open + 1)..close];
            if (name.Length == 0 || !name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_' or '.'))
                continue;
            if (open > start)
                parts.Add(new(null, template[start..open]));
            var spread = name.StartsWith("...", StringComparison.Ordinal);
            parts.Add(new(spread ? name[3..] : name, template[open..(close + 1)], spread));
            start = close + 1;
            open = close;
        }
        if (start < template.Length)
            parts.Add(new(null, template[start..]));
        return parts;
    }

    private readonly record struct Part(string? Name, string Text, bool IsSpread = false);
}
