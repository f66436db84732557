using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;

namespace IncidentFox.Gateway.Rules.Files;

// The `tools` section: one rule per tool.
internal static class ToolRuleReader
{
    private const string FormType = "application/x-www-form-urlencoded";

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
        foreach (var problem in OtherNameProblems(rules))
            tools.Error(problem.Tool, problem.Text);
        foreach (var (rule, problem) in RuleChecks.Check(rules).Concat(RuleOverlaps.Check(rules)))
            tools.Error(rule, problem);
        return rules;
    }

    private static IEnumerable<(string Tool, string Text)> OtherNameProblems(List<ToolRule> rules)
    {
        foreach (var rule in rules)
        {
            if (rule.OtherNames.FirstOrDefault(n => !Names.IsIdentifier(n)) is not null)
                yield return (rule.Tool, "each of 'other_names' is 1 to 64 of a-z, 0-9 and _");
            if (rule.OtherNames.Count > ToolRule.MostOtherNames)
                yield return (rule.Tool, $"has more than {ToolRule.MostOtherNames} 'other_names'");
            if (rule.OtherNames.FirstOrDefault(n => rules.Sum(r => r.Names.Count(o => o == n)) > 1) is { } twice)
                yield return (rule.Tool, $"the name {YamlMap.Shown(twice)} is there twice");
        }
    }

    private static ToolRule? Read(string name, YamlMap map, IReadOnlyDictionary<string, ToolParameter> types)
    {
        var line = RequestLine.Read(map);
        var parameters = ParameterReader.Read(map, types);
        var form = FieldReader.Form(map, parameters);
        var body = map.Json("body");
        var opaque = Opaque(map, body);
        if (opaque is { } atMost)
            parameters = [.. parameters, .. Parsing.OpaqueBody.Parameters(atMost)];
        var rule = new ToolRule
        {
            Tool = name,
            OtherNames = map.Texts("other_names"),
            Description = map.Text("description", required: true) ?? "",
            Effect = Effect(map),
            Method = line.Method,
            Path = line.Path,
            TrailingSlash = line.TrailingSlash,
            Query = FieldReader.Query(map, parameters),
            Headers = [.. Pairs(map, "headers").Select(p => new RuleHeader(p.Key, p.Value))],
            Parameters = parameters,
            Body = opaque is null ? body : null,
            OpaqueBytes = opaque,
            Form = form,
            ContentType = map.Text("content_type") ?? (form is null ? "application/json" : FormType),
            Transport = Transport(map),
            RowCountPointer = map.Text("rows"),
            DataSource = map.Text("data", required: true) ?? "",
            Listed = map.Boolean("listed") ?? true,
            Precondition = ActionReader.Precondition(map),
            DryRun = ActionReader.DryRun(map),
            Preview = ActionReader.Preview(map),
            Success = ActionReader.Success(map),
            Proof = ActionReader.Proof(map),
            Version = "",
        };
        map.Done();
        return rule;
    }

    // `body: opaque`, a text where every other body is a mapping.
    private static int? Opaque(YamlMap map, JsonNode? body)
    {
        var atMost = map.Integer("max_body_bytes", 1, Contracts.Protocol.MaxMessageBytes);
        if (body is JsonValue value && value.TryGetValue<string>(out var text) && text == "opaque")
            return (int)(atMost ?? Contracts.Protocol.MaxMessageBytes);
        if (atMost is not null)
            map.Error("max_body_bytes", "belongs to 'body: opaque'");
        return null;
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

    private static RuleTransport Transport(YamlMap map)
    {
        switch (map.Text("transport"))
        {
            case null or "http": return RuleTransport.Http;
            case "kubernetes_exec": return RuleTransport.KubernetesExec;
            default:
                map.Error("transport", "must be http or kubernetes_exec");
                return RuleTransport.Http;
        }
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
