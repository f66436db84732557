namespace IncidentFox.Slack.SocketMode;

/// <summary>Exponential, capped, and spread so that replicas do not come back in step.</summary>
internal static class Backoff
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    /// <param name="failures">How many in a row, from 1.</param>
    /// <param name="random">From 0 to 1.</param>
    public static TimeSpan After(int failures, double random)
    {
        var full = Math.Min(First.TotalSeconds * Math.Pow(2, Math.Clamp(failures, 1, 16) - 1), Longest.TotalSeconds);
        return TimeSpan.FromSeconds(full * (0.5 + (random / 2)));
    }
}
