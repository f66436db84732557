namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>What to say of a request that no rule allows: what was searched and what came nearest.</summary>
internal static class NearestRule
{
    public static ParsedCall.Refused Refuse(Integration integration, string method, CanonicalTarget target)
    {
        var shown = "/" + string.Join('/', target.Segments.Select(Arguments.Printable));
        var searched = $"No rule of integration {integration.Name} ({integration.Rules.Count} searched) allows {Arguments.Printable(method)} {(shown.Length > 200 ? shown[..200] + "…" : shown)}";
        var nearest = Find(integration, method, target) is { } rule ? $"; the nearest is {rule.Tool}: {Request(rule)}" : "";
        return new ParsedCall.Refused("no_rule", $"{searched}{nearest}. How an operator could allow it: incidentfox integrations explain {Arguments.Printable(method)} /i/{integration.Name}/…");
    }

    public static ToolRule? Find(Integration integration, string method, CanonicalTarget target) =>
        integration.Rules.MaxBy(r => (PathMatch.Common(r, target) * 4) + (r.Path.Count == target.Segments.Count ? 2 : 0) + (r.Method == method ? 1 : 0));

    /// <summary>A rule's request as its file writes it.</summary>
    public static string Request(ToolRule rule) =>
        $"{rule.Method} /{string.Join('/', rule.Path)}{(rule.TrailingSlash && rule.Path.Count > 0 ? "/" : "")}";
}
