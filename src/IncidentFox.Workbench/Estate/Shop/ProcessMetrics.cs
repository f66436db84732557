using System.Globalization;
using System.Text;

namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>The metrics of one process, in Prometheus' text format. They begin at zero with each start, as a process' do.</summary>
internal sealed class ProcessMetrics
{
    private static readonly double[] Buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
    private readonly SortedDictionary<string, double> _requests = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, double> _upstream = new(StringComparer.Ordinal);
    private readonly long[] _bucketCounts = new long[Buckets.Length];
    private readonly Lock _lock = new();
    private double _durationSum;
    private long _durationCount;

    public ProcessMetrics()
    {
        // Series exist from the start, so that the first error is already an increase.
        _requests[RequestLabels(200)] = 0;
        _requests[RequestLabels(503)] = 0;
    }

    public void Request(int code, TimeSpan duration)
    {
        lock (_lock)
        {
            Add(_requests, RequestLabels(code));
            _durationSum += duration.TotalSeconds;
            _durationCount++;
            for (var i = 0; i < Buckets.Length; i++)
            {
                _bucketCounts[i] += duration.TotalSeconds <= Buckets[i] ? 1 : 0;
            }
        }
    }

    /// <param name="outcome">The status, or `unreachable`.</param>
    public void Upstream(string service, string outcome)
    {
        lock (_lock)
        {
            Add(_upstream, $"upstream=\"{service}\",code=\"{outcome}\"");
        }
    }

    public string Render(params ReadOnlySpan<Gauge> gauges)
    {
        var text = new StringBuilder();
        lock (_lock)
        {
            Family(text, "http_requests_total", "counter", "Requests answered.", _requests);
            Family(text, "upstream_requests_total", "counter", "Requests sent to other services.", _upstream);
            text.Append("# HELP http_request_duration_seconds Time to answer.\n# TYPE http_request_duration_seconds histogram\n");
            for (var i = 0; i < Buckets.Length; i++)
            {
                Line(text, "http_request_duration_seconds_bucket", $"le=\"{Number(Buckets[i])}\"", _bucketCounts[i]);
            }

            Line(text, "http_request_duration_seconds_bucket", "le=\"+Inf\"", _durationCount);
            Line(text, "http_request_duration_seconds_sum", "", _durationSum);
            Line(text, "http_request_duration_seconds_count", "", _durationCount);
        }

        foreach (var gauge in gauges)
        {
            text.Append($"# TYPE {gauge.Name} gauge\n");
            Line(text, gauge.Name, gauge.Labels, gauge.Value);
        }

        return text.ToString();
    }

    public static void Line(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static void Family(StringBuilder text, string name, string type, string help, SortedDictionary<string, double> series)
    {
        text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");
        foreach (var (labels, value) in series)
        {
            Line(text, name, labels, value);
        }
    }

    private static void Add(SortedDictionary<string, double> series, string labels) =>
        series[labels] = series.GetValueOrDefault(labels) + 1;

    private static string RequestLabels(int code) => $"code=\"{code}\"";

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);
}

internal readonly record struct Gauge(string Name, string Labels, double Value);
