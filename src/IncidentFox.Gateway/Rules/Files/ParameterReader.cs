using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace IncidentFox.Gateway.Rules.Files;

// Parameters, written out or by the name of one of the file's `types` (`pod: pod`, optional: `container: container?`).
internal static class ParameterReader
{
    public static IReadOnlyDictionary<string, ToolParameter> Types(YamlMap root)
    {
        var types = new Dictionary<string, ToolParameter>();
        if (root.Map("types") is not { } map)
            return types;
        foreach (var name in map.Keys())
        {
            if (map.Map(name) is { } type)
                types[name] = Read(name, type);
        }
        return types;
    }

    public static IReadOnlyList<ToolParameter> Read(YamlMap tool, IReadOnlyDictionary<string, ToolParameter> types)
    {
        var parameters = new List<ToolParameter>();
        if (tool.Map("parameters") is not { } map)
            return parameters;
        foreach (var name in map.Keys())
        {
            if (!Names.IsIdentifier(name) || name is "precondition" or "approval")
                map.Error(name, "a parameter's name is 1 to 64 of a-z, 0-9 and _, and not precondition or approval");
            if (!map.IsText(name))
            {
                if (map.Map(name) is { } own)
                    parameters.Add(Read(name, own));
            }
            else if (map.Text(name) is { } reference)
            {
                if (types.TryGetValue(reference.TrimEnd('?'), out var type))
                    parameters.Add(type with { Name = name, Required = type.Required && !reference.EndsWith('?') });
                else
                    map.Error(name, $"'{YamlMap.Shown(reference)}' is not one of the file's types");
            }
        }
        return parameters;
    }

    private static ToolParameter Read(string name, YamlMap map)
    {
        var type = TypeOf(map);
        var parameter = new ToolParameter
        {
            Name = name,
            Type = type,
            Description = map.Text("description", required: true) ?? "",
            Default = map.Json("default"),
            Required = map.Boolean("required") ?? !map.Has("default"),
            Pattern = Pattern(map),
            Without = Pattern(map, "without"),
            Allowed = map.Texts("enum"),
            Min = map.Number("min"),
            Max = map.Number("max"),
            MaxLength = (int)(map.Integer("max_length", 1, 100_000) ?? 1_000),
            MaxItems = (int)(map.Integer("max_items", 1, 1_000) ?? 50),
        };
        if (parameter.Default is not null && Parsing.Arguments.Problem(parameter, parameter.Default) is { } problem)
            map.Error("default", problem);
        if (parameter.Default is not null && parameter.Required)
            map.Error("required", "a parameter with a default is not required");
        map.Done();
        return parameter;
    }

    private static ParameterType TypeOf(YamlMap map)
    {
        switch (map.Text("type", required: true))
        {
            case "string" or null: return ParameterType.String;
            case "integer": return ParameterType.Integer;
            case "number": return ParameterType.Number;
            case "boolean": return ParameterType.Boolean;
            case "string_list": return ParameterType.StringList;
            case "path": return ParameterType.Path;
            case "object": return ParameterType.Object;
            default:
                map.Error("type", "must be one of string, integer, number, boolean, string_list, path, object");
                return ParameterType.String;
        }
    }

    internal static string? Pattern(YamlMap map, string key = "pattern")
    {
        if (map.Text(key) is not { } pattern)
            return null;
        try
        {
            _ = Parsing.Arguments.Compile(pattern);
            return pattern;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            map.Error(key, "is not a regular expression that can be matched without backtracking");
            return null;
        }
    }
}
