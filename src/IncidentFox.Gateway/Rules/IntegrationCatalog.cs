using System.Collections.Frozen;
using IncidentFox.Core;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Gateway.Rules;

/// <summary>A tool as a team sees it.</summary>
/// <param name="Integration">Who answers.</param>
/// <param name="Rule">Its rule.</param>
/// <param name="HasCredential">False: the installation names no credential for it, so it is refused.</param>
public readonly record struct TeamTool(Integration Integration, ToolRule Rule, bool HasCredential);

/// <summary>All integrations of this installation. Immutable; what a call looks up is indexed once.</summary>
public sealed class IntegrationCatalog
{
    private readonly FrozenDictionary<TeamId, TeamView> _teams;
    private readonly TeamView _others;

    /// <summary>Of checked integrations.</summary>
    public IntegrationCatalog(IReadOnlyList<Integration> all)
    {
        All = all;
        var indexes = all.Distinct(ReferenceEqualityComparer.Instance).Cast<Integration>().ToDictionary(object (i) => i, i => new RuleIndex(i.Rules), ReferenceEqualityComparer.Instance);
        _others = new TeamView([.. all.Where(i => i.Team is null)], indexes);
        _teams = all.Select(i => i.Team).OfType<TeamId>().Distinct()
            .ToFrozenDictionary(t => t, t => new TeamView([.. all.Where(i => i.Team is null || i.Team == t)], indexes));
    }

    /// <summary>Every integration, in the order of the files.</summary>
    public IReadOnlyList<Integration> All { get; }

    /// <summary>SHA-256 (hex) of the files it was made of: another text is another digest. Empty when it was made of none.</summary>
    public string Digest { get; init; } = "";

    /// <summary>What a team may use: its own and those of no team.</summary>
    public IReadOnlyList<Integration> Of(TeamId team) => View(team).Integrations;

    /// <summary>An integration of the team; null when it has none of that name.</summary>
    public Integration? Find(TeamId team, string name) => View(team).Find(name)?.Integration;

    /// <summary>The team's tools, in the order of the rules.</summary>
    public IReadOnlyList<TeamTool> Tools(TeamId team) => View(team).Tools;

    /// <summary>A tool of the team by any of its names.</summary>
    public bool TryFindTool(TeamId team, string name, out TeamTool tool) => View(team).TryFindTool(name, out tool);

    /// <summary>Whether a credential is named for what the rule does.</summary>
    public static bool HasCredential(Integration integration, ToolRule rule) => integration.Auth.HasCredential(write: rule.Effect != ToolEffect.Read);

    internal IndexedIntegration? FindIndexed(TeamId team, string name) => View(team).Find(name);

    private TeamView View(TeamId team) => _teams.TryGetValue(team, out var view) ? view : _others;

    private sealed class TeamView
    {
        private readonly FrozenDictionary<string, IndexedIntegration> _byName;
        private readonly FrozenDictionary<string, TeamTool> _byTool;

        public TeamView(IReadOnlyList<Integration> integrations, Dictionary<object, RuleIndex> indexes)
        {
            Integrations = integrations;
            Tools = [.. integrations.SelectMany(i => i.Rules.Select(r => new TeamTool(i, r, HasCredential(i, r))))];
            _byName = integrations.DistinctBy(i => i.Name).ToFrozenDictionary(i => i.Name, i => new IndexedIntegration(i, indexes[i]), StringComparer.Ordinal);
            _byTool = Tools.SelectMany(t => t.Rule.Names.Select(n => (Name: n, Tool: t))).DistinctBy(n => n.Name).ToFrozenDictionary(n => n.Name, n => n.Tool, StringComparer.Ordinal);
        }

        public IReadOnlyList<Integration> Integrations { get; }

        public IReadOnlyList<TeamTool> Tools { get; }

        public IndexedIntegration? Find(string name) => _byName.GetValueOrDefault(name);

        public bool TryFindTool(string name, out TeamTool tool) => _byTool.TryGetValue(name, out tool);
    }
}
