using System.Net;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway;
using IncidentFox.Host.Configuration;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace IncidentFox.Host.Composition;

/// <summary>Hands the product's measurements, the runtime's and the database driver's to whoever is configured to get them.</summary>
public static class Telemetry
{
    private static readonly string[] Meters = [GatewayMetrics.MeterName, AuditBatch.MeterName, KubernetesSandboxesModule.MeterName, "System.Runtime", "Npgsql"];

    /// <summary>Begins; disposing sends what is left. Null when nobody is configured.</summary>
    public static IDisposable? Start(TelemetryOptions options)
    {
        if (string.IsNullOrEmpty(options.OtlpEndpoint) && string.IsNullOrEmpty(options.PrometheusListen))
            return null;
        var builder = Sdk.CreateMeterProviderBuilder().ConfigureResource(r => r.AddService("incidentfox")).AddMeter(Meters);
        if (!string.IsNullOrEmpty(options.OtlpEndpoint))
            builder.AddOtlpExporter(o => o.Endpoint = new Uri(options.OtlpEndpoint));
        if (!string.IsNullOrEmpty(options.PrometheusListen))
        {
            var listen = IPEndPoint.Parse(options.PrometheusListen);
            builder.AddPrometheusHttpListener(o => (o.Host, o.Port) = (listen.Address.ToString(), listen.Port));
        }
        return builder.Build();
    }
}
