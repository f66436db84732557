using IncidentFox.Core;
using IncidentFox.Core.Tools;

namespace IncidentFox.Bot.Commands.Admin;

/// <summary>The tools that names in commands may mean.</summary>
internal sealed class KnownTools(ToolDirectory directory)
{
    public Task<IReadOnlyList<ListedTool>> OfAsync(TeamId team, CancellationToken cancellationToken) => directory.OfAsync(team, cancellationToken);

    /// <summary>
    /// Null when the name means a tool of the team (<c>pod_restart</c>, <c>kubernetes.pod_restart</c>) or, with a star, several; else a sentence with the
    /// nearest one. A mistyped name would be an entry that does nothing.
    /// </summary>
    public async Task<string?> WhyNotAsync(TeamId team, string name, CancellationToken cancellationToken)
    {
        var tools = await directory.OfAsync(team, cancellationToken);
        if (tools.Count == 0 || name == "*" || tools.Any(t => t.IsNamed(name) || name == $"{t.Integration}.*"))
            return null;
        var nearest = Nearest.Of(name, [.. tools.Select(t => t.Tool).Distinct()]);
        return $"This team has no tool \"{name}\".{(nearest is null ? " /incidentfox-admin tools list shows them." : $" Did you mean {nearest}?")}";
    }
}
