using IncidentFox.Agent.Reporting;

namespace IncidentFox.Agent.Estate;

/// <summary>Picks the lines of a log that tell something. What they say is quoted, never followed.</summary>
internal static class LogLines
{
    private const int Lines = 3, PerLine = 190;

    private static readonly string[] Grave = ["level=fatal", "panic", "fatal", "out of memory", "exhausted"];
    private static readonly string[] Bad = ["level=error", "error", "exception", "failed", "refused", "timeout", "timed out", "denied", " 404", " 500", " 503", "level=warn", "warn"];

    // "20 ok, 1 failed so far" at level info is no complaint.
    private static readonly string[] Harmless = ["level=info", "level=debug", "\"level\":\"info\""];

    /// <summary>At most three lines, cleaned; null when there is nothing to quote.</summary>
    public static string? Telling(string log)
    {
        // A log that the runtime has already removed is answered with 200 and this sentence.
        if (log.StartsWith("unable to retrieve container logs", StringComparison.Ordinal))
            return null;
        var lines = log.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (lines.Length == 0)
            return null;
        var best = Matching(lines, Grave).ToArray();
        if (best.Length < Lines)
            best = [.. Matching(lines, Bad).Except(best).TakeLast(Lines - best.Length), .. best];
        if (best.Length == 0)
            best = lines;
        var text = string.Join('\n', best.TakeLast(Lines).Select(l => Plain.Line(l, PerLine)).Where(l => l.Length > 0));
        return text.Length == 0 ? null : text;
    }

    /// <summary>Names that the log says could not be called, e.g. from <c>call to payments failed</c>.</summary>
    public static IEnumerable<string> FailedCalls(string log, IReadOnlyCollection<string> names) =>
        log.Split('\n').TakeLast(20).Where(l => Matching([l], Bad).Any())
            .SelectMany(l => names.Where(n => Words.Contains(l, n))).Distinct(StringComparer.Ordinal);

    private static IEnumerable<string> Matching(IEnumerable<string> lines, string[] marks) =>
        lines.Where(l => !Any(l, Harmless) && Any(l, marks));

    private static bool Any(string line, string[] marks) => marks.Any(m => line.Contains(m, StringComparison.OrdinalIgnoreCase));
}

/// <summary>Whole names inside text: <c>payments</c> is in <c>http://payments:80</c>, not in <c>payments-v2</c>.</summary>
internal static class Words
{
    public static bool Contains(string text, string name)
    {
        if (name.Length == 0)
            return false;
        for (var at = text.IndexOf(name, StringComparison.OrdinalIgnoreCase); at >= 0; at = text.IndexOf(name, at + 1, StringComparison.OrdinalIgnoreCase))
            if (Ends(text, at - 1) && Ends(text, at + name.Length))
                return true;
        return false;
    }

    private static bool Ends(string text, int at) => at < 0 || at >= text.Length || !(char.IsAsciiLetterOrDigit(text[at]) || text[at] == '-');
}
