using System.Text;

namespace IncidentFox.Fuzz.Generators;

/// <summary>Integration files with rules of many shapes, right by construction but for rules that overlap.</summary>
internal static class RuleSets
{
    private static readonly string[] Words = ["api", "v1", "items", "pods", "search", "a-b", "x.y", "_all", "log"];

    // Two rules that one request could mean are rightly refused; so is what only chance put together.
    private static readonly string[] Refusals = ["same", "mean", "overlap", "twice", "tell", "apart", "both", "already"];

    public static bool MayBeRefused(IReadOnlyList<string> errors) => errors.All(e => Refusals.Any(r => e.Contains(r, StringComparison.OrdinalIgnoreCase)));

    public static string Make(Dice dice)
    {
        var yaml = new StringBuilder("""
            integration: made
            description: Made by chance
            base_url: http://127.0.0.1:9999/base
            auth: {scheme: bearer, read: "file:///etc/incidentfox/secrets/made"}
            tools:

            """);
        for (var i = dice.Below(5); i >= 0; i--)
            Rule(dice, yaml, i);
        return yaml.ToString();
    }

    private static void Rule(Dice dice, StringBuilder yaml, int number)
    {
        var parameters = new List<string>();
        string Parameter(string type)
        {
            var name = $"p{parameters.Count}";
            parameters.Add($"{name}: {{type: {type}, description: d{(dice.OneIn(2) && type == "string" ? ", max_length: 40" : "")}}}");
            return name;
        }
        var path = string.Concat(Enumerable.Range(0, 1 + dice.Below(5)).Select(_ => "/" + (dice.OneIn(3) ? $"{{{Parameter("string")}}}" : dice.Of(Words))));
        var query = Enumerable.Range(0, dice.Below(4)).Select(i => $"q{i}: {(dice.OneIn(3) ? "fixed" : $"\"{{{Parameter(dice.Of(["string", "integer", "boolean", "number"]))}}}\"")}").ToList();
        var post = dice.OneIn(3);
        yaml.Append(FormattableString.Invariant($"  tool_{number}:\n    description: A tool.\n    effect: read\n    request: {(post ? "POST" : "GET")} {path}\n    data: made\n"));
        if (query.Count > 0)
            yaml.Append(FormattableString.Invariant($"    query: {{{string.Join(", ", query)}}}\n"));
        if (post)
            yaml.Append(FormattableString.Invariant($"    body: {{fixed: [1, true, \"x\"], inner: {{value: \"{{{Parameter(dice.Of(["string", "integer", "boolean"]))}}}\"}}}}\n"));
        if (parameters.Count > 0)
            yaml.Append(FormattableString.Invariant($"    parameters:\n{string.Concat(parameters.Select(p => $"      {p}\n"))}"));
    }
}
