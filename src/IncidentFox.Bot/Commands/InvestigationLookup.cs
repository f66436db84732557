using IncidentFox.Core;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;

namespace IncidentFox.Bot.Commands;

/// <summary>Finds the investigation somebody means, within one team.</summary>
internal static class InvestigationLookup
{
    private const int Recent = 200;

    /// <summary>By its full id or the last 8 digits; without text the one given by <paramref name="otherwise"/>.</summary>
    public static async Task<Investigation?> FindAsync(
        this InvestigationStore store, Resource team, string text, Func<IReadOnlyList<Investigation>, Investigation?> otherwise, CancellationToken cancellationToken)
    {
        if (InvestigationId.TryParse(text, out var id))
            return await store.FindAsync(id, cancellationToken) is { } found && found.Resource == team ? found : null;
        var recent = await store.LatestAsync(team, Recent, cancellationToken);
        return text.Length == 0 ? otherwise(recent) : recent.FirstOrDefault(i => i.Id.Short.Equals(text, StringComparison.OrdinalIgnoreCase));
    }
}
