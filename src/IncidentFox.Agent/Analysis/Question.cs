using IncidentFox.Agent.Estate;

namespace IncidentFox.Agent.Analysis;

/// <summary>Finds what a question is about by the names it uses. Its words choose what is looked at, never what is done.</summary>
internal static class Question
{
    private const int MostWorkloads = 4, ShortestPart = 4, MostWords = 200;

    /// <summary>The best matching workloads, none when the question names none.</summary>
    public static IReadOnlyList<WorkloadName> Asked(string question, Snapshot seen)
    {
        var words = WordsOf(question);
        var namespaces = seen.Deployments.Select(d => d.Namespace).Concat(seen.Pods.Select(p => p.Namespace)).Where(words.Contains).ToHashSet(StringComparer.Ordinal);
        var names = seen.Deployments.Select(d => new WorkloadName(d.Namespace, d.Name))
            .Concat(seen.Pods.Select(p => new WorkloadName(p.Namespace, p.Workload)))
            .Distinct()
            .Where(w => namespaces.Count == 0 || namespaces.Contains(w.Namespace))
            .Select(w => (Workload: w, Score: Score(words, w.Name, seen)))
            .Where(x => x.Score > 0)
            .ToArray();
        if (names.Length == 0)
            return [];
        var best = names.Max(x => x.Score);
        return [.. names.Where(x => x.Score == best).Select(x => x.Workload).Take(MostWorkloads)];
    }

    /// <summary>Words as names are written: lower case, letters, digits and hyphens.</summary>
    public static IReadOnlySet<string> WordsOf(string question)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        var text = question.ToLowerInvariant();
        for (int at = 0, start = 0; at <= text.Length && words.Count < MostWords; at++)
        {
            if (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '-'))
                continue;
            if (at > start)
                words.Add(text[start..at].Trim('-'));
            start = at + 1;
        }
        return words;
    }

    private static int Score(IReadOnlySet<string> words, string name, Snapshot seen)
    {
        if (words.Contains(name) || seen.Pods.Any(p => p.Workload == name && words.Contains(p.Name)))
            return 3;
        if (seen.Services.Any(v => words.Contains(v.Name) && v.Selector.Count > 0 && seen.Pods.Any(p => p.Workload == name && v.Selector.All(l => p.Labels.GetValueOrDefault(l.Key) == l.Value))))
            return 2;
        return name.Split('-').Any(part => part.Length >= ShortestPart && words.Contains(part)) ? 1 : 0;
    }
}
