using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Core.Policy;

// Collects every error with its JSON path while a document is read.
internal sealed class Errors
{
    private const int Most = 50;
    private readonly List<string> _all = [];

    public IReadOnlyList<string> All => _all;

    public void Add(string path, string message)
    {
        if (_all.Count < Most)
            _all.Add($"{path}: {message}");
    }

    public void OnlyKnown(JsonObject o, string path, params ReadOnlySpan<string> known)
    {
        foreach (var (name, _) in o)
        {
            if (!known.Contains(name))
                Add($"{path}.{name}", $"is not known; here may stand {string.Join(", ", known.ToArray())}");
        }
    }

    public JsonObject? Object(JsonObject parent, string path, string name)
    {
        if (!parent.TryGetPropertyValue(name, out var node))
            return null;
        if (node is JsonObject o)
            return o;
        Add($"{path}.{name}", "must be an object");
        return null;
    }

    public bool? Boolean(JsonObject parent, string path, string name)
    {
        if (!parent.TryGetPropertyValue(name, out var node))
            return null;
        if (node is JsonValue v && v.GetValueKind() is JsonValueKind.True or JsonValueKind.False)
            return node.GetValue<bool>();
        Add($"{path}.{name}", "must be true or false");
        return null;
    }

    public decimal? Number(JsonObject parent, string path, string name, decimal min, decimal max)
    {
        if (!parent.TryGetPropertyValue(name, out var node))
            return null;
        if (node is JsonValue v && v.GetValueKind() == JsonValueKind.Number && v.TryGetValue<decimal>(out var number) && number >= min && number <= max)
            return number;
        Add($"{path}.{name}", $"must be a number from {min} to {max}");
        return null;
    }

    public int? Whole(JsonObject parent, string path, string name, int min, int max)
    {
        if (Number(parent, path, name, min, max) is not { } number)
            return null;
        if (number == decimal.Truncate(number))
            return (int)number;
        Add($"{path}.{name}", "must be a whole number");
        return null;
    }

    public string? Text(JsonObject parent, string path, string name)
    {
        if (!parent.TryGetPropertyValue(name, out var node))
            return null;
        if (node is JsonValue v && v.TryGetValue<string>(out var text))
            return text;
        Add($"{path}.{name}", "must be a text");
        return null;
    }

    /// <summary>A list with at least one item, each a text that <paramref name="parse"/> understands; null where it is not there or not one.</summary>
    public List<T>? Texts<T>(JsonObject parent, string path, string name, int most, string what, Func<string, T?> parse) where T : class
    {
        if (!parent.TryGetPropertyValue(name, out var node))
            return null;
        if (node is not JsonArray { Count: > 0 } list || list.Count > most)
        {
            Add($"{path}.{name}", $"must be a list of 1 to {most}");
            return null;
        }
        var items = new List<T>();
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is JsonValue v && v.TryGetValue<string>(out var text) && parse(text) is { } item)
                items.Add(item);
            else
                Add($"{path}.{name}[{i}]", $"must be {what}");
        }
        return items;
    }
}
