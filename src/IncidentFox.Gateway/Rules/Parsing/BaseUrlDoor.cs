using System.Globalization;
using System.Text.Json.Nodes;
using IncidentFox.Core;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary><c>/i/{integration}/...</c>: a request as an ordinary client sends it, read back into the call that its rule would build it from.</summary>
internal static class BaseUrlDoor
{
    public static ParsedCall Parse(IntegrationCatalog catalog, TeamId team, string name, string method, string rawTarget, ReadOnlyMemory<byte> body)
    {
        if (catalog.Find(team, name) is not { } integration)
        {
            var known = string.Join(", ", catalog.Of(team).Select(i => i.Name));
            return new ParsedCall.Refused("no_rule", $"There is no integration '{Arguments.Printable(name)}'; there are: {(known.Length == 0 ? "none" : known)}.");
        }
        var (target, problem) = CanonicalTarget.Parse(rawTarget);
        if (target is null)
            return new ParsedCall.Refused("bad_request", problem!);
        var rule = integration.Rules.FirstOrDefault(r => r.Method == method && Matches(r, target));
        return rule is null ? NoRule(integration, method, target) : Bind(integration, rule, target, body);
    }

    private static ParsedCall Bind(Integration integration, ToolRule rule, CanonicalTarget target, ReadOnlyMemory<byte> body)
    {
        var given = new JsonObject();
        var problems = new List<string>();
        foreach (var (segment, value) in rule.Path.Zip(target.Segments))
        {
            if (segment.Parameter is { } parameter)
                Put(given, rule, parameter, value, problems);
        }
        foreach (var pairs in target.Query.GroupBy(p => p.Key, StringComparer.Ordinal))
        {
            var key = rule.Query.FirstOrDefault(q => q.Key == pairs.Key);
            if (key is null)
                problems.Add($"query key {Arguments.Printable(pairs.Key)} is not known; known are {KnownKeys(rule)}");
            else if (!key.IsList && pairs.Skip(1).Any())
                problems.Add($"query key {key.Key} is there more than once");
            else if (key.Literal is { } literal && pairs.First().Value != literal)
                problems.Add($"query key {key.Key} must be {literal}");
            else if (key.IsList)
                given[key.Parameter!] = new JsonArray([.. pairs.Select(p => JsonValue.Create(p.Value))]);
            else if (key.Parameter is { } parameter)
                Put(given, rule, parameter, pairs.First().Value, problems);
        }
        if (RequestBody.Bind(rule, body, given) is { } bodyProblem)
            problems.Add(bodyProblem);
        var tool = new TeamTool(integration, rule, IntegrationCatalog.HasCredential(integration, rule));
        if (problems.Count == 0)
            return ParsedCall.Of(tool, Arguments.Check(rule, given));
        return new ParsedCall.Refused("no_rule", $"Rule {rule.Tool} of integration {integration.Name} comes nearest, but {string.Join("; ", problems)}.", rule.Tool);
    }

    // Numbers and booleans have one spelling on the wire: the one the gateway would send.
    private static void Put(JsonObject given, ToolRule rule, string name, string text, List<string> problems)
    {
        if (given.ContainsKey(name))
        {
            problems.Add($"{name} is given twice");
            return;
        }
        JsonNode? value = rule.Parameters.First(p => p.Name == name).Type switch
        {
            ParameterType.Boolean => text switch { "true" => JsonValue.Create(true), "false" => JsonValue.Create(false), _ => null },
            ParameterType.Integer or ParameterType.Number =>
                decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                && number.ToString(CultureInfo.InvariantCulture) == text ? JsonValue.Create(number) : null,
            _ => JsonValue.Create(text),
        };
        if (value is null)
            problems.Add($"{name} is not spelled as its type is");
        else
            given[name] = value;
    }

    private static ParsedCall.Refused NoRule(Integration integration, string method, CanonicalTarget target)
    {
        var shown = "/" + string.Join('/', target.Segments.Select(Arguments.Printable));
        var searched = $"No rule of integration {integration.Name} ({integration.Rules.Count} searched) allows {Arguments.Printable(method)} {(shown.Length > 200 ? shown[..200] + "…" : shown)}";
        var nearest = integration.Rules.MaxBy(r => (Common(r, target) * 4) + (r.Path.Count == target.Segments.Count ? 2 : 0) + (r.Method == method ? 1 : 0));
        return new ParsedCall.Refused("no_rule", nearest is null
            ? searched + "."
            : $"{searched}; the nearest is {nearest.Tool}: {nearest.Method} /{string.Join('/', nearest.Path.Select(s => s.Literal ?? $"{{{s.Parameter}}}"))}.");
    }

    private static bool Matches(ToolRule rule, CanonicalTarget target) =>
        rule.Path.Count == target.Segments.Count && Common(rule, target) == rule.Path.Count;

    private static int Common(ToolRule rule, CanonicalTarget target) =>
        rule.Path.Zip(target.Segments).TakeWhile(p => p.First.Literal is null || p.First.Literal == p.Second).Count();

    private static string KnownKeys(ToolRule rule) => rule.Query.Count == 0 ? "none" : string.Join(", ", rule.Query.Select(q => q.Key));
}
