using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Blocks;

/// <summary>One object of a Block Kit payload under inspection: each question it is asked may add an error with the pointer that Slack would name.</summary>
internal sealed class BlockNode(JsonObject value, string pointer, List<string> errors)
{
    public JsonObject Value { get; } = value;
    public string Pointer { get; } = pointer;
    public string Type => Value["type"] is JsonValue v && v.TryGetValue<string>(out var type) ? type : "";

    public bool Has(string name) => Value[name] is not null;

    public void Error(string message, string below = "") => errors.Add($"[ERROR] {message} [json-pointer:{Pointer}{below}]");

    /// <summary>Slack refuses fields it does not know.</summary>
    public void Allows(params ReadOnlySpan<string> names)
    {
        foreach (var (name, _) in Value)
        {
            if (!names.Contains(name)) Error($"invalid additional property: {name}");
        }
    }

    public string? String(string name, int max, bool required = false, int min = 1)
    {
        if (Value[name] is not { } node)
        {
            if (required) Error($"missing required field: {name}");
            return null;
        }

        if (node is not JsonValue value || !value.TryGetValue<string>(out var text))
        {
            Error("must provide a string", $"/{name}");
            return null;
        }

        CheckLength(text, min, max, $"/{name}");
        return text;
    }

    /// <summary>Slack counts what it stores: <c>&amp;</c>, <c>&lt;</c> and <c>&gt;</c> arrive escaped and count as sent.</summary>
    private void CheckLength(string text, int min, int max, string below)
    {
        if (text.Length > max) Error(string.Create(CultureInfo.InvariantCulture, $"must be less than {max + 1} characters"), below);
        if (text.Length < min) Error(string.Create(CultureInfo.InvariantCulture, $"must be more than {min - 1} characters"), below);
    }

    /// <summary>A text object: <c>plain_text</c>, or <c>mrkdwn</c> where that is allowed.</summary>
    public void Text(string name, int max, bool required = false, bool plainOnly = false)
    {
        if (Value[name] is null)
        {
            if (required) Error($"missing required field: {name}");
            return;
        }

        if (Child(name) is { } text) text.AsText(max, plainOnly);
    }

    public void AsText(int max, bool plainOnly)
    {
        switch (Type)
        {
            case "plain_text":
                Allows("type", "text", "emoji");
                Bool("emoji");
                break;
            case "mrkdwn" when !plainOnly:
                Allows("type", "text", "verbatim");
                Bool("verbatim");
                break;
            default:
                Error($"unsupported type: {Type}", "/type");
                return;
        }

        String("text", max, required: true);
    }

    public void Bool(string name)
    {
        if (Value[name] is { } node && node.GetValueKind() is not (JsonValueKind.True or JsonValueKind.False)) Error("must be a boolean", $"/{name}");
    }

    public void Whole(string name, int min, int max, bool required = false)
    {
        if (Value[name] is not { } node)
        {
            if (required) Error($"missing required field: {name}");
        }
        else if (node is not JsonValue value || !value.TryGetValue<int>(out var number) || number < min || number > max)
        {
            Error(string.Create(CultureInfo.InvariantCulture, $"must be an integer from {min} to {max}"), $"/{name}");
        }
    }

    public void OneOf(string name, bool required, params ReadOnlySpan<string> values)
    {
        if (String(name, 255, required) is { } text && !values.Contains(text)) Error($"must be one of: {string.Join(", ", values!)}", $"/{name}");
    }

    public void Url(string name, bool required = false)
    {
        if (String(name, 3000, required) is { } text && !(Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" or "mailto"))
        {
            Error("invalid url", $"/{name}");
        }
    }

    public BlockNode? Child(string name, bool required = false)
    {
        switch (Value[name])
        {
            case JsonObject child:
                return new BlockNode(child, $"{Pointer}/{name}", errors);
            case null:
                if (required) Error($"missing required field: {name}");
                return null;
            default:
                Error("must provide an object", $"/{name}");
                return null;
        }
    }

    public IReadOnlyList<BlockNode> Children(string name, int min, int max, bool required = true)
    {
        if (Value[name] is { } node) return Items(node, $"/{name}", min, max);
        if (required) Error($"missing required field: {name}");
        return [];
    }

    /// <summary>The objects of an array that stands at <paramref name="below"/>.</summary>
    public IReadOnlyList<BlockNode> Items(JsonNode? node, string below, int min, int max)
    {
        if (node is not JsonArray array)
        {
            Error("must provide an array", below);
            return [];
        }

        if (array.Count > max) Error(string.Create(CultureInfo.InvariantCulture, $"no more than {max} items allowed"), below);
        if (array.Count < min) Error(string.Create(CultureInfo.InvariantCulture, $"no fewer than {min} items allowed"), below);
        var items = new List<BlockNode>();
        for (var i = 0; i < array.Count; i++)
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"{below}/{i}");
            if (array[i] is JsonObject item) items.Add(new BlockNode(item, Pointer + at, errors));
            else Error("must provide an object", at);
        }

        return items;
    }
}
