using System.Net;

namespace IncidentFox.Host.Configuration;

/// <summary>Where measurements go, section <c>Telemetry</c>. Nothing leaves the process unless one of them is set.</summary>
public sealed class TelemetryOptions
{
    /// <summary>Where it stands in the configuration.</summary>
    public const string Section = "Telemetry";

    /// <summary>An OpenTelemetry collector that takes OTLP over gRPC, e.g. <c>http://otel-collector:4317</c>. Pushed every minute.</summary>
    public string? OtlpEndpoint { get; init; }

    /// <summary>Address and port for Prometheus to scrape <c>/metrics</c> from, e.g. <c>127.0.0.1:9464</c>. Loopback only: it asks nobody who they are.</summary>
    public string? PrometheusListen { get; init; }

    /// <summary>Every mistake, with how to mend it.</summary>
    public IEnumerable<string> Validate()
    {
        if (!string.IsNullOrEmpty(OtlpEndpoint) && !(Uri.TryCreate(OtlpEndpoint, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0))
            yield return $"{Section}:{nameof(OtlpEndpoint)} is no address of a collector: write it as http://otel-collector:4317, or leave it out.";
        if (!string.IsNullOrEmpty(PrometheusListen) && !(IPEndPoint.TryParse(PrometheusListen, out var listen) && IPAddress.IsLoopback(listen.Address) && listen.Port > 0))
            yield return $"{Section}:{nameof(PrometheusListen)} is no loopback address with a port: write it as 127.0.0.1:9464, or leave it out.";
    }
}
