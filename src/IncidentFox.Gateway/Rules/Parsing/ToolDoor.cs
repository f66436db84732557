using System.Text.Json;
using IncidentFox.Core;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary><c>POST /tools/{tool}</c>: a name and typed arguments.</summary>
internal static class ToolDoor
{
    public static ParsedCall Parse(IntegrationCatalog catalog, TeamId team, string name, JsonElement arguments)
    {
        if (catalog.TryFindTool(team, name, out var tool))
            return ParsedCall.Of(tool, Arguments.Check(tool.Rule, arguments));
        var tools = catalog.Tools(team);
        var integrations = string.Join(", ", catalog.Of(team).Select(i => i.Name));
        var nearest = tools.Select(t => t.Rule).Where(r => r.Listed).MinBy(r => Distance(name, r.Tool))?.Tool;
        return new ParsedCall.Refused("no_rule",
            $"No rule defines a tool '{Arguments.Printable(name)}' (searched {tools.Count} rules of {(integrations.Length == 0 ? "no integration" : integrations)})"
            + (nearest is null ? "." : $"; the nearest is {nearest}."));
    }

    // Levenshtein, over the first characters only: it is for a hint.
    private static int Distance(string a, string b)
    {
        a = a.Length > 64 ? a[..64] : a;
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[b.Length];
    }
}
