using IncidentFox.Core;
using IncidentFox.Core.Tools;

namespace IncidentFox.Gateway.Rules;

/// <summary>A tool as a team sees it.</summary>
/// <param name="Integration">Who answers.</param>
/// <param name="Rule">Its rule.</param>
/// <param name="HasCredential">False: the installation names no credential for it, so it is refused.</param>
public readonly record struct TeamTool(Integration Integration, ToolRule Rule, bool HasCredential);

/// <summary>All integrations of this installation. Immutable.</summary>
public sealed class IntegrationCatalog(IReadOnlyList<Integration> all)
{
    /// <summary>Every integration, in the order of the files.</summary>
    public IReadOnlyList<Integration> All { get; } = all;

    /// <summary>What a team may use: its own and those of no team.</summary>
    public IEnumerable<Integration> Of(TeamId team) => All.Where(i => i.Team is null || i.Team == team);

    /// <summary>An integration of the team; null when it has none of that name.</summary>
    public Integration? Find(TeamId team, string name) => Of(team).FirstOrDefault(i => i.Name == name);

    /// <summary>The team's tools, in the order of the rules.</summary>
    public IEnumerable<TeamTool> Tools(TeamId team) => Of(team).SelectMany(i => i.Rules.Select(r => new TeamTool(i, r, HasCredential(i, r))));

    /// <summary>Whether a credential is named for what the rule does.</summary>
    public static bool HasCredential(Integration integration, ToolRule rule) => integration.Auth.HasCredential(write: rule.Effect != ToolEffect.Read);
}
