using IncidentFox.Agent.Estate;
using IncidentFox.Agent.Reporting;

namespace IncidentFox.Agent.Analysis;

/// <summary>Wording that several analyzers share.</summary>
internal static class Sentences
{
    public static string At(DateTimeOffset at) => at.UtcDateTime.ToString("HH:mm:ss") + " UTC";

    public static string Since(DateTimeOffset? at) => at is { } known ? " since " + At(known) : "";

    /// <summary>As Kubernetes writes times.</summary>
    public static string Stamp(DateTimeOffset? at) => at is { } known ? known.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'") : "";

    /// <summary>1 pod, 2 pods.</summary>
    public static string Count(int count, string noun) => $"{count} {noun}{(count == 1 ? "" : "s")}";

    // The rates of two counters are extrapolated apart: a share can come out a little above one.
    public static string Percent(double share) => share is > 0 and < 0.001 ? "under 0.1 %" : $"{Math.Min(share, 1) * 100:0.#} %";

    public static string Pods(IReadOnlyCollection<Pod> pods, int all) =>
        pods.Count == 1 && all <= 1 ? "the only pod" : pods.Count == all ? $"all {all} pods" : $"{pods.Count} of {all} pods";

    public static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    /// <summary>The last line of an excerpt as a quote, or nothing.</summary>
    public static string Quoted(string? excerpt, int most = 200) =>
        excerpt is null ? "" : $": \"{Plain.Line(Message(excerpt.Split('\n')[^1]), most)}\"";

    // logfmt: the message is what a reader wants, not time and level.
    private static string Message(string line)
    {
        var at = line.IndexOf("msg=\"", StringComparison.Ordinal);
        return at >= 0 ? line[(at + 5)..].TrimEnd('"') : line;
    }
}
