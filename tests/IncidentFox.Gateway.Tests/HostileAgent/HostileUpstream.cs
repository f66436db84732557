using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace IncidentFox.Gateway.Tests.HostileAgent;

internal sealed record Seen(int Port, string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string? Authorization => Headers.GetValueOrDefault("Authorization");
}

// Three real servers: what reached them is all that ever left the gateway.
internal sealed class HostileUpstream : IAsyncDisposable
{
    private const string Pod = """{"metadata":{"uid":"u-1","ownerReferences":[{"kind":"ReplicaSet","name":"checkout-abc"}]},"status":{"phase":"Running"}}""";
    private readonly WebApplication _app;

    private HostileUpstream(WebApplication app) => _app = app;

    public int Kubernetes { get; private set; }
    public int Shop { get; private set; }
    public int Payments { get; private set; }

    public ConcurrentQueue<Seen> Seen { get; } = [];

    public IEnumerable<Seen> Changes => Seen.Where(s => s.Method != "GET" && !s.Body.Contains("dryRun", StringComparison.Ordinal));

    public Func<HttpContext, Task>? Answer { get; set; }

    public static async Task<HostileUpstream> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
        {
            for (var i = 0; i < 3; i++)
                k.Listen(IPAddress.Loopback, 0);
        });
        var app = builder.Build();
        var upstream = new HostileUpstream(app);
        app.Run(upstream.HandleAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        var ports = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Select(a => new Uri(a).Port).ToList();
        (upstream.Kubernetes, upstream.Shop, upstream.Payments) = (ports[0], ports[1], ports[2]);
        return upstream;
    }

    private async Task HandleAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        Seen.Enqueue(new Seen(
            http.Connection.LocalPort, http.Request.Method, http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), await reader.ReadToEndAsync()));
        if (Answer is not null)
        {
            await Answer(http);
            return;
        }
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(http.Request.Path.Value!.Contains("/pods/", StringComparison.Ordinal) ? Pod : """{"items":[{"a":1}]}""");
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
