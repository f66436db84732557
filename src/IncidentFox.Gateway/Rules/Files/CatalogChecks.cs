namespace IncidentFox.Gateway.Rules.Files;

// What must hold between the integrations that one team sees.
internal static class CatalogChecks
{
    public static IEnumerable<string> Check(IReadOnlyList<(string File, Integration Integration)> all)
    {
        for (var i = 0; i < all.Count; i++)
        {
            var (file, integration) = all[i];
            foreach (var (otherFile, other) in all.Take(i).Where(o => SameTeam(o.Integration, integration)))
            {
                if (other.Name == integration.Name)
                    yield return $"{file}:1: integration {integration.Name} is defined by {otherFile} too";
                if (Overlap(other.BaseUrl, integration.BaseUrl))
                    yield return $"{file}:1: base_url overlaps with the one of {other.Name} ({otherFile}): it would be unclear whose rules and credential hold";
                foreach (var tool in integration.Rules.SelectMany(r => r.Names).Intersect(other.Rules.SelectMany(r => r.Names)).Take(1))
                    yield return $"{file}:1: tool {tool} is defined by {other.Name} ({otherFile}) too; set tool_prefix to tell them apart";
            }
        }
    }

    private static bool SameTeam(Integration a, Integration b) => a.Team is null || b.Team is null || a.Team == b.Team;

    private static bool Overlap(Uri a, Uri b)
    {
        if (!string.Equals(a.Host, b.Host, StringComparison.OrdinalIgnoreCase) || a.Port != b.Port)
            return false;
        string first = a.AbsolutePath.TrimEnd('/') + "/", second = b.AbsolutePath.TrimEnd('/') + "/";
        return first.StartsWith(second, StringComparison.Ordinal) || second.StartsWith(first, StringComparison.Ordinal);
    }
}
