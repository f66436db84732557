using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>JSON Schema (2020-12) of a rule's arguments.</summary>
internal static class ToolSchema
{
    public static JsonElement Of(ToolRule rule)
    {
        var properties = new JsonObject();
        foreach (var parameter in rule.Parameters)
            properties[parameter.Name] = Of(parameter);
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray([.. rule.Parameters.Where(p => p.Required).Select(p => JsonValue.Create(p.Name))]),
            ["additionalProperties"] = false,
        };
        return JsonSerializer.SerializeToElement(schema);
    }

    private static JsonObject Of(ToolParameter parameter)
    {
        var text = new JsonObject { ["type"] = "string", ["maxLength"] = parameter.MaxLength };
        if (parameter.Pattern is not null)
            text["pattern"] = $"^(?:{parameter.Pattern})$";
        if (parameter.Allowed.Count > 0)
            text["enum"] = new JsonArray([.. parameter.Allowed.Select(a => JsonValue.Create(a))]);
        var schema = parameter.Type switch
        {
            ParameterType.String or ParameterType.Path => text,
            ParameterType.Object => new JsonObject { ["type"] = "object" },
            ParameterType.StringList => new JsonObject { ["type"] = "array", ["items"] = text, ["maxItems"] = parameter.MaxItems },
            ParameterType.Boolean => new JsonObject { ["type"] = "boolean" },
            ParameterType.Integer => new JsonObject { ["type"] = "integer" },
            _ => new JsonObject { ["type"] = "number" },
        };
        if (parameter.Min is { } min)
            schema["minimum"] = min;
        if (parameter.Max is { } max)
            schema["maximum"] = max;
        schema["description"] = parameter.Description;
        if (parameter.Default is not null)
            schema["default"] = parameter.Default.DeepClone();
        return schema;
    }
}
