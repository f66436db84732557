using System.Text.Json.Nodes;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Gateway.Rules.Files;

// No request may mean two tools: rules of the same method differ in their paths, or in a literal that a request must carry.
internal static class RuleOverlaps
{
    public static IEnumerable<(string Tool, string Problem)> Check(IReadOnlyList<ToolRule> rules)
    {
        for (var i = 0; i < rules.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (rules[i].Method == rules[j].Method && Overlap(rules[j], 0, rules[i], 0) && !Discriminator.TellsApart(rules[j], rules[i]))
                    yield return (rules[i].Tool, $"can't be told from {rules[j].Tool}: the same method and path mean both, and no literal of query, headers, form or body differs");
            }
        }
    }

    private static bool Overlap(ToolRule a, int i, ToolRule b, int j)
    {
        if (i == a.Path.Count || j == b.Path.Count)
            return i == a.Path.Count && j == b.Path.Count;
        if (!Overlap(a, a.Path[i], b, b.Path[j]))
            return false;
        return Overlap(a, i + 1, b, j + 1) || (a.Path[i].IsMany && Overlap(a, i, b, j + 1)) || (b.Path[j].IsMany && Overlap(a, i + 1, b, j));
    }

    private static bool Overlap(ToolRule a, PathSegment one, ToolRule b, PathSegment other)
    {
        if (one.IsMany || other.IsMany)
            return true;
        if (Texts(a, one) is { } texts)
            return texts.Any(t => PathMatch.Fits(b, other, t));
        if (Texts(b, other) is { } others)
            return others.Any(t => PathMatch.Fits(a, one, t));
        return StartAlike(one.Prefix ?? "", other.Prefix ?? "") && EndAlike(one.Suffix ?? "", other.Suffix ?? "");
    }

    // All that a segment can be, where that is a short list.
    private static IEnumerable<string>? Texts(ToolRule rule, PathSegment segment)
    {
        if (segment.Literal is not null)
            return [segment.Literal];
        return rule.Parameters.FirstOrDefault(p => p.Name == segment.Parameter) is { Allowed: { Count: > 0 } allowed }
            ? allowed.Select(a => segment.Prefix + a + segment.Suffix)
            : null;
    }

    private static bool StartAlike(string a, string b) => a.StartsWith(b, StringComparison.Ordinal) || b.StartsWith(a, StringComparison.Ordinal);

    private static bool EndAlike(string a, string b) => a.EndsWith(b, StringComparison.Ordinal) || b.EndsWith(a, StringComparison.Ordinal);
}
