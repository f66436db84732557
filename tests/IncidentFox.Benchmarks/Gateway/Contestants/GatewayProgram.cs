using System.Diagnostics.Metrics;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Host.Composition;
using IncidentFox.Host.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace IncidentFox.Benchmarks.Gateway.Contestants;

/// <summary>
/// The product's gateway as <c>incidentfox serve</c> composes it, from the same settings; only the sandboxes' doors are opened by the benchmark, where the product's
/// sandbox driver would. Beside it, on a socket of its own, it tells how long audit rows were waited for.
/// </summary>
internal static class GatewayProgram
{
    public static async Task<int> RunAsync(FileInfo config, IReadOnlyList<Guid> sandboxes, string control, CancellationToken cancellationToken)
    {
        var configuration = ConfigurationFiles.Load(config.FullName);
        var (settings, errors) = HostSettings.Read(configuration, HostRole.Gateway);
        if (settings is null)
            throw new InvalidOperationException(string.Join('\n', errors));
        var (keys, _, problems) = await StartupSecrets.FetchAsync(settings, HostRole.Gateway, cancellationToken);
        if (keys is null)
            throw new InvalidOperationException(string.Join('\n', problems));
        await using var gateway = GatewayApp.Build(settings, keys, Logs.Create(configuration));
        await gateway.StartAsync(cancellationToken);
        var doors = new List<string>();
        foreach (var sandbox in sandboxes)
            doors.Add(await GatewayApp.Door(gateway).OpenAsync(new SandboxId(sandbox), cancellationToken));
        await using var telling = Control(control, doors);
        await telling.StartAsync(cancellationToken);
        await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await gateway.StopAsync(CancellationToken.None);
        return 0;
    }

    // GET /doors: their paths. GET /waits: the milliseconds that were waited for audit rows since it was asked last.
    private static WebApplication Control(string socket, IReadOnlyList<string> doors)
    {
        var waits = new List<double>();
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument is { Meter.Name: AuditBatch.MeterName, Name: "incidentfox.audit.wait" })
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, wait, _, _) =>
        {
            lock (waits)
            {
                if (waits.Count < 100_000)
                    waits.Add(wait);
            }
        });
        listener.Start();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket));
        var app = builder.Build();
        app.Run(async http =>
        {
            if (http.Request.Path == "/doors")
            {
                await http.Response.WriteAsync(string.Join('\n', doors));
                return;
            }
            string text;
            lock (waits)
            {
                text = string.Join('\n', waits.Select(w => w.ToString("R", System.Globalization.CultureInfo.InvariantCulture)));
                waits.Clear();
            }
            await http.Response.WriteAsync(text);
        });
        return app;
    }
}
