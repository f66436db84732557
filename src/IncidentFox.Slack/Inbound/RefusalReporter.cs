using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Slack.Inbound;

/// <summary>
/// Counts every refused request and passes on at most one per source and minute (and a bounded number in all), so that nobody
/// can fill the audit trail by being refused.
/// </summary>
internal sealed partial class RefusalReporter(IServiceScopeFactory scopes, TimeProvider clock, ILogger<RefusalReporter> log)
{
    public const string MeterName = "IncidentFox.Slack";
    private const int MaxRecordsPerMinute = 100;
    private const string ManySources = "many";

    private static readonly Meter Meter = new(MeterName);
    private static readonly Counter<long> Refused = Meter.CreateCounter<long>("slack.requests.refused", description: "Requests refused before they reached a handler");

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _suppressedBySource = new(StringComparer.Ordinal);
    private long _minute = -1;
    private Dictionary<string, long> _lastMinute = [];

    public async ValueTask ReportAsync(IPAddress? source, string path, string reason, CancellationToken cancellationToken)
    {
        Refused.Add(1, new KeyValuePair<string, object?>("reason", reason));
        var now = clock.GetUtcNow();
        var key = SourceOf(source);
        if (!TryAdmit(ref key, now, out var suppressed))
        {
            return;
        }

        LogRefused(path, reason, key, suppressed);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var refusals = scope.ServiceProvider.GetRequiredService<ISlackRefusals>();
            await refusals.RecordAsync(new SlackRefusal(key, path, reason, now, suppressed), cancellationToken);
        }
        catch (Exception exception)
        {
            // The request is refused either way; the log line and the counter remain.
            LogNotRecorded(exception, reason);
        }
    }

    private bool TryAdmit(ref string source, DateTimeOffset now, out long suppressed)
    {
        lock (_gate)
        {
            var minute = now.ToUnixTimeSeconds() / 60;
            if (minute != _minute)
            {
                _lastMinute = minute == _minute + 1 ? new Dictionary<string, long>(_suppressedBySource, StringComparer.Ordinal) : [];
                _suppressedBySource.Clear();
                _minute = minute;
            }

            if (!_suppressedBySource.ContainsKey(source) && _suppressedBySource.Count >= MaxRecordsPerMinute)
            {
                source = ManySources;
            }

            suppressed = 0;
            if (_suppressedBySource.TryGetValue(source, out var count))
            {
                _suppressedBySource[source] = count + 1;
                return false;
            }

            _suppressedBySource[source] = 0;
            _lastMinute.Remove(source, out suppressed);
            return true;
        }
    }

    // Whoever has one IPv6 address has its whole /64.
    private static string SourceOf(IPAddress? address)
    {
        if (address is null)
        {
            return "unknown";
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4().ToString();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address))
        {
            return address.ToString();
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes) + "/64";
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused a Slack request to {Path}: {Reason}, from {Source} ({Suppressed} more were not logged)")]
    private partial void LogRefused(string path, string reason, string source, long suppressed);

    [LoggerMessage(Level = LogLevel.Error, Message = "A refused Slack request ({Reason}) could not be recorded")]
    private partial void LogNotRecorded(Exception exception, string reason);
}
