namespace IncidentFox.Secrets;

/// <summary>Reserves a part of a store. References that no scope covers are for every team.</summary>
public sealed class SecretScope
{
    /// <summary>
    /// A reference, or the beginning of one up to and including a slash: <c>vault://secret/teams/payments/</c>,
    /// <c>keyvault://payments-prod/</c>, <c>k8s://payments/</c>, <c>file:///etc/incidentfox/secrets/payments/</c>.
    /// Of several that cover a reference, the longest decides.
    /// </summary>
    public string Prefix { get; init; } = "";

    /// <summary>The teams whose integrations may name what is below the prefix. Empty: none, only the installation's own configuration.</summary>
    public IReadOnlyList<string> Teams { get; init; } = [];
}

/// <summary>The scopes of an installation, ready to be asked at every use.</summary>
internal sealed class SecretScopes
{
    private readonly (string Prefix, string[] Teams)[] _longestFirst;

    public SecretScopes(IReadOnlyList<SecretScope> scopes) =>
        _longestFirst = [.. scopes.Select(s => (Canonical(s.Prefix) ?? s.Prefix, s.Teams.ToArray())).OrderByDescending(s => s.Item1.Length)];

    /// <summary>Why a team may not use the reference; null when it may.</summary>
    /// <param name="reference">Which secret.</param>
    /// <param name="team">The team; null for an integration of every team, or when nobody said.</param>
    public string? Refusal(SecretReference reference, string? team)
    {
        var text = reference.ToString();
        foreach (var (prefix, teams) in _longestFirst)
        {
            if (!Covers(prefix, text))
            {
                continue;
            }

            return team is not null && Array.IndexOf(teams, team) >= 0
                ? null
                : $"{reference} is reserved for {(teams.Length == 0 ? "the installation's own configuration" : "team " + string.Join(", ", teams))} "
                    + $"and may not be used {(team is null ? "for all teams" : "by team " + team)}: use a secret of your own, or change {SecretsOptions.SectionName}:{nameof(SecretsOptions.Scopes)}.";
        }

        return null;
    }

    /// <summary>Every mistake in the scopes.</summary>
    public static void Validate(IReadOnlyList<SecretScope> scopes, List<string> errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (scope, i) in scopes.Select(static (s, i) => (s, i)))
        {
            var name = $"{SecretsOptions.SectionName}:{nameof(SecretsOptions.Scopes)}:{i}";
            if (Canonical(scope.Prefix) is not { } prefix)
            {
                errors.Add($"{name}:{nameof(SecretScope.Prefix)} is not a reference or the beginning of one: write it as vault://secret/teams/payments/ (with a slash at the end) or as a whole reference.");
            }
            else if (!seen.Add(prefix))
            {
                errors.Add($"{name}:{nameof(SecretScope.Prefix)} stands there twice: keep one and give it all its teams.");
            }

            if (scope.Teams.Any(string.IsNullOrWhiteSpace))
            {
                errors.Add($"{name}:{nameof(SecretScope.Teams)} has an empty name: write the teams' ids, or leave the list empty to keep every team out.");
            }
        }
    }

    // As references are spelled, so that no other spelling gets around it. A prefix is judged by a reference that it begins.
    private static string? Canonical(string prefix)
    {
        foreach (var ending in (string[])["", "#x", "x", "x#x", "x/x", "x/x#x", "xxx/x"])
        {
            if ((ending.Length == 0 || ending == "#x" || prefix.EndsWith('/')) && SecretReference.TryParse(prefix + ending, out var reference, out _))
            {
                return reference.ToString()[..^ending.Length];
            }
        }

        return null;
    }

    private static bool Covers(string prefix, string text) =>
        text.StartsWith(prefix, StringComparison.Ordinal)
        && (text.Length == prefix.Length || prefix[^1] == '/' || text[prefix.Length] is '/' or '#');
}
