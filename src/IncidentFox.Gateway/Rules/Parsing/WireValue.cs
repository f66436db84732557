using System.Globalization;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>A parameter's value as text on the wire, and back. Numbers and booleans have one spelling: the one the gateway would send.</summary>
internal static class WireValue
{
    /// <summary>The typed value; null when the text is not spelled as its type is.</summary>
    public static JsonNode? Read(ToolParameter parameter, string text) => parameter.Type switch
    {
        ParameterType.Boolean => text switch { "true" => JsonValue.Create(true), "false" => JsonValue.Create(false), _ => null },
        ParameterType.Integer or ParameterType.Number =>
            decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number.ToString(CultureInfo.InvariantCulture) == text ? JsonValue.Create(number) : null,
        ParameterType.Object => null,
        _ => JsonValue.Create(text),
    };

    /// <summary>The value between two texts; null when they are not there.</summary>
    public static string? Between(string text, string? before, string? after)
    {
        int start = before?.Length ?? 0, end = after?.Length ?? 0;
        return text.Length >= start + end && text.StartsWith(before ?? "", StringComparison.Ordinal) && text.EndsWith(after ?? "", StringComparison.Ordinal)
            ? text[start..(text.Length - end)]
            : null;
    }
}

/// <summary>What a request gave so far. A parameter that stands in two places must be the same in both.</summary>
internal sealed class Binding(ToolRule rule)
{
    public ToolRule Rule { get; } = rule;

    public JsonObject Given { get; } = [];

    public List<string> Problems { get; } = [];

    /// <summary>A body that is passed on as it is.</summary>
    public byte[]? Opaque { get; set; }

    public void Put(string name, string text)
    {
        if (WireValue.Read(Rule.Parameters.First(p => p.Name == name), text) is { } value)
            Put(name, value);
        else
            Problems.Add($"{name} is not spelled as its type is");
    }

    public void Put(string name, JsonNode value)
    {
        if (!Given.TryGetPropertyValue(name, out var already))
            Given[name] = value;
        else if (!JsonNode.DeepEquals(already, value))
            Problems.Add($"{name} is given twice, and differs");
    }
}
