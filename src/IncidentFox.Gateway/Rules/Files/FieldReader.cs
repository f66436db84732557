namespace IncidentFox.Gateway.Rules.Files;

// Keys of a query or a form: `key: "{parameter}"`, `key: literal`, or `key: "text with a {parameter} in it"`.
internal static class FieldReader
{
    public static List<RuleField> Query(YamlMap map, IReadOnlyList<ToolParameter> parameters)
    {
        var fields = Read(map, "query", parameters);
        fields.AddRange(map.Texts("ignored_query").Select(k => new RuleField(k, null, null, IsList: false, Ignored: true)));
        return fields;
    }

    public static List<RuleField>? Form(YamlMap map, IReadOnlyList<ToolParameter> parameters) => map.Has("form") ? Read(map, "form", parameters) : null;

    private static List<RuleField> Read(YamlMap map, string section, IReadOnlyList<ToolParameter> parameters)
    {
        var fields = new List<RuleField>();
        foreach (var (key, value) in ToolRuleReader.Pairs(map, section))
        {
            if (!Template.Names(value).Any())
                fields.Add(new(key, null, value, IsList: false, Ignored: false));
            else if (Template.Single(value) is { Before: "", After: "", Name: var name })
                fields.Add(new(key, name, null, parameters.Any(p => p.Name == name && p.Type == ParameterType.StringList), Ignored: false));
            else
                fields.Add(new(key, null, null, IsList: false, Ignored: false) { Text = value });
        }
        return fields;
    }
}
