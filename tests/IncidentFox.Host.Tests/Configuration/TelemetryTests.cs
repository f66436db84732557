using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using IncidentFox.Gateway;
using IncidentFox.Host.Composition;
using IncidentFox.Host.Configuration;

namespace IncidentFox.Host.Tests.Configuration;

public sealed class TelemetryTests
{
    [Fact]
    public async Task Prometheus_scrapes_what_the_gateway_counts_once_it_is_configured()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var listen = ((IPEndPoint)free.LocalEndpoint).ToString();
        free.Stop();
        using var telemetry = Telemetry.Start(new TelemetryOptions { PrometheusListen = listen });
        Assert.NotNull(telemetry);
        using var meter = new Meter(GatewayMetrics.MeterName);
        meter.CreateCounter<long>("incidentfox.gateway.test").Add(3, new KeyValuePair<string, object?>("code", "no_rule"));

        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var scraped = await http.GetStringAsync(new Uri($"http://{listen}/metrics"), TestContext.Current.CancellationToken);

        Assert.Matches("""incidentfox_gateway_test_total\{[^}]*code="no_rule"[^}]*\} 3""", scraped);
    }

    [Fact]
    public void Without_configuration_nothing_is_opened() => Assert.Null(Telemetry.Start(new TelemetryOptions()));

    [Theory]
    [InlineData("0.0.0.0:9464", null)]
    [InlineData("10.0.0.1:9464", null)]
    [InlineData("127.0.0.1", null)]
    [InlineData("metrics", null)]
    [InlineData(null, "otel-collector:4317")]
    [InlineData(null, "ftp://otel-collector")]
    [InlineData(null, "https://user:password@otel-collector:4317")]
    public void A_mistake_is_told_with_how_to_mend_it_and_without_what_was_written(string? prometheus, string? otlp)
    {
        var error = Assert.Single(new TelemetryOptions { PrometheusListen = prometheus, OtlpEndpoint = otlp }.Validate());
        Assert.Contains("write it as", error, StringComparison.Ordinal);
        Assert.DoesNotContain("password", error, StringComparison.Ordinal);
    }
}
