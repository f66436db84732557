namespace IncidentFox.Bot.Commands;

/// <summary>The word somebody probably meant, by edit distance.</summary>
internal static class Nearest
{
    private const int MaxLength = 40;

    /// <summary>The nearest candidate within a third of its length (at least 2 edits) or one that the word begins; null when none is near.</summary>
    public static string? Of(string word, IReadOnlyList<string> candidates)
    {
        if (word.Length is 0 or > MaxLength)
            return null;
        var lower = word.ToLowerInvariant();
        return candidates.FirstOrDefault(c => lower.Length >= 2 && c.StartsWith(lower, StringComparison.Ordinal))
            ?? candidates
                .Select(c => (Candidate: c, Distance: Distance(lower, c)))
                .Where(x => x.Distance <= Math.Max(2, x.Candidate.Length / 3))
                .OrderBy(x => x.Distance)
                .Select(x => x.Candidate)
                .FirstOrDefault();
    }

    internal static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return row[^1];
    }
}
