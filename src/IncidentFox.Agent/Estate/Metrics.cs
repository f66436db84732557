using System.Globalization;
using System.Text.Json;

namespace IncidentFox.Agent.Estate;

/// <summary>A time series of an answer; one point for an instant query.</summary>
internal sealed record Series(IReadOnlyDictionary<string, string> Labels, IReadOnlyList<Point> Points)
{
    /// <summary>Reads a vector or a matrix; values that are no numbers (no traffic) are left out.</summary>
    public static IReadOnlyList<Series> Read(JsonElement? answer) =>
    [
        .. answer.At("data").At("result").Items().Take(2_000).Select(s => new Series(
            s.At("metric").Labels(),
            s.At("values") is { ValueKind: JsonValueKind.Array } values
                ? [.. values.EnumerateArray().Take(20_000).Select(ReadPoint).OfType<Point>()]
                : s.At("value") is { } value && ReadPoint(value) is { } one ? [one] : [])),
    ];

    private static Point? ReadPoint(JsonElement pair)
    {
        if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2 || pair[0].ValueKind != JsonValueKind.Number || !pair[0].TryGetDouble(out var seconds) || seconds is not (> 0 and < 1e11))
            return null;
        return double.TryParse(((JsonElement?)pair[1]).Text(), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? new Point(DateTimeOffset.UnixEpoch.AddSeconds(seconds), value)
            : null;
    }
}

/// <summary>One value.</summary>
internal sealed record Point(DateTimeOffset At, double Value);

/// <summary>How a service's share of failed requests moved.</summary>
/// <param name="Before">The mean before it rose; null when it was high from the first value on.</param>
/// <param name="Since">The first value above; null when it did not rise.</param>
internal sealed record ErrorRate(string Service, double Now, double? Before, DateTimeOffset? Since)
{
    private const double Noticeable = 0.01;

    public bool Rose => Since is not null;

    /// <summary>
    /// The last stretch that is clearly above what came before: more than a quarter of today's value and at least one percent. Two quiet values
    /// in between do not end it.
    /// </summary>
    public static ErrorRate? Of(string service, IReadOnlyList<Point> points)
    {
        if (points.Count == 0)
            return null;
        var now = points.TakeLast(2).Average(p => p.Value);
        var bar = Math.Max(Noticeable, now / 4);
        if (points[^1].Value < Noticeable && now < Noticeable)
            return new(service, now, points.Average(p => p.Value), null);
        int first = points.Count, quiet = 0;
        for (var i = points.Count - 1; i >= 0 && quiet <= 2; i--)
        {
            quiet = points[i].Value >= bar ? 0 : quiet + 1;
            if (quiet == 0)
                first = i;
        }
        if (first == points.Count)
            return new(service, now, null, null);
        var before = points.Take(first).Select(p => p.Value).TakeLast(80).ToArray();
        return new(service, now, before.Length == 0 ? null : before.Average(), points[first].At);
    }
}

/// <summary>What the metrics showed.</summary>
internal sealed record Metrics
{
    public IReadOnlyDictionary<string, ErrorRate> Services { get; init; } = new Dictionary<string, ErrorRate>(StringComparer.Ordinal);

    /// <summary>Failed requests per second by pod of the asked services, and all requests per second.</summary>
    public IReadOnlyList<PodErrors> Pods { get; init; } = [];

    /// <summary>The last replica count above zero of a deployment, by its name.</summary>
    public IReadOnlyDictionary<string, int> ReplicasBefore { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);
}

/// <summary>One pod's requests per second.</summary>
internal sealed record PodErrors(string Pod, double Failed, double All)
{
    public double Share => All > 0 ? Failed / All : 0;
}
