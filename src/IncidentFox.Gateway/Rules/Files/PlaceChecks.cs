using System.Text.Json.Nodes;
using IncidentFox.Gateway.Execution.Derivations;

namespace IncidentFox.Gateway.Rules.Files;

// Where a parameter may stand: every place must be able to hold it, and every parameter must have one.
internal static class PlaceChecks
{
    // Some frameworks take another method from here, whatever the request line says.
    private static readonly string[] Overrides = ["_method", "x-http-method-override", "x-http-method", "x-method-override"];

    public static IEnumerable<string> Check(ToolRule rule) => Path(rule).Concat(Fields("query", rule.Query, rule)).Concat(Fields("form", rule.Form ?? [], rule)).Concat(Texts(rule)).Concat(Unused(rule));

    public static bool CanBeKey(string key) =>
        key.Length is > 0 and <= 200 && key.All(c => c is > ' ' and < (char)127) && !Overrides.Contains(key.ToLowerInvariant());

    private static IEnumerable<string> Path(ToolRule rule)
    {
        foreach (var segment in rule.Path.Where(s => s.Parameter is not null))
        {
            if (Find(rule, segment.Parameter!) is not { } p)
                yield return $"path parameter {segment.Parameter} is not among its parameters";
            else if (p.Type is ParameterType.StringList or ParameterType.Object || !IsAlwaysThere(p))
                yield return $"path parameter {p.Name} must be one value that is always there";
            else if (segment.IsMany != (p.Type == ParameterType.Path))
                yield return $"a parameter of type path stands in a path as {{{p.Name}...}}, and no other does";
        }
        if (rule.Path.Where(s => s.Parameter is not null).GroupBy(s => s.Parameter).FirstOrDefault(g => g.Skip(1).Any()) is { } twice)
            yield return $"path parameter {twice.Key} is there twice";
    }

    private static IEnumerable<string> Fields(string what, IReadOnlyList<RuleField> fields, ToolRule rule)
    {
        for (var i = 0; i < fields.Count; i++)
        {
            var field = fields[i];
            if (!CanBeKey(field.Key))
                yield return $"{what} key {YamlMap.Shown(field.Key)} can't be sent by a rule";
            if (fields.Take(i).Any(f => Collide(f, field)))
                yield return $"{what} key {field.Key} is there twice";
            if (field.IsNumbered && (!field.IsList || field.Key.Split(RuleField.Number).Length != 2))
                yield return $"{what} key {field.Key} has one {RuleField.Number} and takes a parameter of type string_list";
            if (field.Parameter is null)
                continue;
            if (Find(rule, field.Parameter) is not { } p)
                yield return $"{what} parameter {field.Parameter} is not among its parameters";
            else if (p.Type == ParameterType.Object)
                yield return $"{what} parameter {p.Name} is an object, which only a JSON body can hold";
        }
    }

    private static bool Collide(RuleField a, RuleField b)
    {
        if (a.IsNumbered == b.IsNumbered)
            return a.Key == b.Key;
        var (numbered, plain) = a.IsNumbered ? (a, b) : (b, a);
        return Parsing.FieldKey.NumberIn(numbered, plain.Key) is not null;
    }

    // A value inside a longer text could end the text's own quotes or say more than was meant: its form must be stated.
    private static IEnumerable<string> Texts(ToolRule rule)
    {
        var texts = rule.Query.Concat(rule.Form ?? []).Select(f => f.Text).OfType<string>().Concat(TextsOf(rule.Body));
        foreach (var name in texts.Where(t => Template.Single(t) is not { Before: "", After: "" }).SelectMany(Template.Names).Distinct())
        {
            if (Find(rule, name) is not { } p)
                continue;
            if (p.Type is ParameterType.StringList or ParameterType.Object || !IsAlwaysThere(p))
                yield return $"parameter {name} stands inside a text and must be one value that is always there";
            else if (p.Type is ParameterType.String && p is { Pattern: null, Allowed.Count: 0 })
                yield return $"parameter {name} stands inside a text and needs a pattern or an enum";
        }
    }

    private static IEnumerable<string> TextsOf(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(m => TextsOf(m.Value)),
        JsonArray a => a.SelectMany(TextsOf),
        JsonValue v when v.TryGetValue<string>(out var text) => [text],
        _ => [],
    };

    private static IEnumerable<string> Unused(ToolRule rule)
    {
        var fields = rule.Query.Concat(rule.Form ?? []);
        var used = rule.Path.Select(s => s.Parameter).Concat(fields.Select(q => q.Parameter)).OfType<string>()
            .Concat(fields.Where(f => f.Text is not null).SelectMany(f => Template.Names(f.Text!))).Concat(Template.Names(rule.Body))
            .Concat(rule.Precondition?.Derivation is { } use ? KnownDerivations.Find(use.Name)?.Parameters ?? [] : []).ToHashSet();
        foreach (var p in rule.Parameters.Where(p => !used.Contains(p.Name) && !(rule.OpaqueBytes is not null && Parsing.OpaqueBody.IsParameter(p.Name))))
            yield return $"parameter {p.Name} is used nowhere in the request";
    }

    private static ToolParameter? Find(ToolRule rule, string name) => rule.Parameters.FirstOrDefault(p => p.Name == name);

    private static bool IsAlwaysThere(ToolParameter parameter) => parameter.Required || parameter.Default is not null;
}
