using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;

namespace IncidentFox.Gateway.Rules.Files;

// The `tools` section: one rule per tool.
internal static class ToolRuleReader
{
    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

    public static IReadOnlyList<ToolRule> ReadAll(YamlMap root)
    {
        var types = ParameterReader.Types(root);
        var rules = new List<ToolRule>();
        if (root.Map("tools") is not { } tools)
            return rules;
        foreach (var name in tools.Keys())
        {
            if (!Names.IsIdentifier(name))
                tools.Error(name, "a tool's name is 1 to 64 of a-z, 0-9 and _");
            if (tools.Map(name) is { } map && Read(name, map, types) is { } rule)
                rules.Add(rule);
        }
        foreach (var (rule, problem) in RuleChecks.Check(rules))
            tools.Error(rule, problem);
        return rules;
    }

    private static ToolRule? Read(string name, YamlMap map, IReadOnlyDictionary<string, ToolParameter> types)
    {
        var (method, path) = Request(map);
        var parameters = ParameterReader.Read(map, types);
        var rule = new ToolRule
        {
            Tool = name,
            Description = map.Text("description", required: true) ?? "",
            Effect = Effect(map),
            Method = method,
            Path = path,
            Query = Query(map, parameters),
            Headers = [.. Pairs(map, "headers").Select(p => new RuleHeader(p.Key, p.Value))],
            Parameters = parameters,
            Body = map.Json("body"),
            ContentType = map.Text("content_type") ?? "application/json",
            RowCountPointer = map.Text("rows"),
            DataSource = map.Text("data", required: true) ?? "",
            Listed = map.Boolean("listed") ?? true,
            Precondition = ActionReader.Precondition(map),
            DryRun = ActionReader.DryRun(map),
            Preview = ActionReader.Preview(map),
            Proof = ActionReader.Proof(map),
            Version = "",
        };
        map.Done();
        return rule;
    }

    private static (string Method, IReadOnlyList<PathSegment> Path) Request(YamlMap map)
    {
        var parts = (map.Text("request", required: true) ?? "GET /").Split(' ');
        if (parts is not [var method, ['/', .. var rest]] || !Methods.Contains(method))
        {
            map.Error("request", $"must be a method ({string.Join(", ", Methods)}) and a path such as GET /api/v1/pods/{{pod}}");
            return ("GET", []);
        }
        var segments = new List<PathSegment>();
        foreach (var segment in rest.Length == 0 ? [] : rest.Split('/'))
        {
            if (segment is ['{', .. var parameter, '}'] && Names.IsIdentifier(parameter))
                segments.Add(new(null, parameter));
            else if (segment.Length > 0 && segment is not ("." or "..") && segment.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~'))
                segments.Add(new(segment, null));
            else
                map.Error("request", $"'{YamlMap.Shown(segment)}' must be a {{parameter}} or letters, digits and - . _ ~");
        }
        return (method, segments);
    }

    private static ToolEffect Effect(YamlMap map)
    {
        switch (map.Text("effect"))
        {
            case "read": return ToolEffect.Read;
            case null or "write": return ToolEffect.Write;
            case "exec": return ToolEffect.Exec;
            default:
                map.Error("effect", "must be one of read, write, exec");
                return ToolEffect.Write;
        }
    }

    // `key: "{parameter}"`, or `key: literal`; ignored keys are accepted from clients and dropped.
    private static List<QueryKey> Query(YamlMap map, IReadOnlyList<ToolParameter> parameters)
    {
        var keys = new List<QueryKey>();
        foreach (var (key, value) in Pairs(map, "query"))
        {
            if (value is ['{', .. var parameter, '}'] && Names.IsIdentifier(parameter))
                keys.Add(new(key, parameter, null, parameters.Any(p => p.Name == parameter && p.Type == ParameterType.StringList), Ignored: false));
            else
                keys.Add(new(key, null, value, IsList: false, Ignored: false));
        }
        keys.AddRange(map.Texts("ignored_query").Select(k => new QueryKey(k, null, null, IsList: false, Ignored: true)));
        return keys;
    }

    internal static IEnumerable<KeyValuePair<string, string>> Pairs(YamlMap parent, string key)
    {
        if (parent.Map(key) is not { } map)
            yield break;
        foreach (var name in map.Keys())
        {
            if (map.Text(name) is { } value)
                yield return KeyValuePair.Create(name, value);
        }
    }

    internal static JsonObject Arguments(YamlMap map) => map.Json("with") switch
    {
        null => [],
        JsonObject o => o,
        _ => Refuse(map),
    };

    private static JsonObject Refuse(YamlMap map)
    {
        map.Error("with", "must be a mapping of arguments");
        return [];
    }
}
