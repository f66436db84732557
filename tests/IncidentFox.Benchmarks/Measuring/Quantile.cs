namespace IncidentFox.Benchmarks.Measuring;

/// <summary>Quantiles by the nearest rank: always a value that was measured, never one in between.</summary>
internal static class Quantile
{
    public static double Of(IReadOnlyCollection<double> samples, double q)
    {
        if (samples.Count == 0)
            throw new ArgumentException("There is nothing to take a quantile of.", nameof(samples));
        var sorted = samples.Order().ToArray();
        return sorted[Math.Clamp((int)Math.Ceiling(q * sorted.Length) - 1, 0, sorted.Length - 1)];
    }
}
