using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Gateway.Rules.Documenting;

/// <summary>Rules as people read them.</summary>
public static class RuleText
{
    /// <summary>A rule's request as its file writes it.</summary>
    public static string Request(ToolRule rule) => NearestRule.Request(rule);
}
