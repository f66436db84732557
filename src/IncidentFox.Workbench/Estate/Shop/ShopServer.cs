using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>
/// The shop's pods over HTTP: `/pods/{pod}/` is that pod, `/` the storefront's Service as a customer reaches it, and what
/// Prometheus needs: its list of targets and the cluster's metrics.
/// </summary>
internal sealed class ShopServer : IAsyncDisposable
{
    private readonly ShopRuntime _runtime;
    private readonly ShopNetwork _network;
    private readonly ObjectStore _store;
    private readonly WebApplication _app;

    private ShopServer(ShopRuntime runtime, ShopNetwork network, ObjectStore store, int port)
    {
        _runtime = runtime;
        _network = network;
        _store = store;
        _app = LoopbackServer.Build(port);
        _app.Run(ServeAsync);
    }

    public Uri Url => LoopbackServer.UrlOf(_app);

    public static async Task<ShopServer> StartAsync(
        ShopRuntime runtime, ShopNetwork network, ObjectStore store, int port, CancellationToken cancellationToken)
    {
        var server = new ShopServer(runtime, network, store, port);
        await server._app.StartAsync(cancellationToken);
        network.Base = server.Url;
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task ServeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        switch (path)
        {
            case ["pods", var pod, ..]:
                await ServePodAsync(context, pod, path.ElementAtOrDefault(2));
                break;
            case ["metrics", "cluster"]:
                await context.Response.WriteAsync(ClusterMetrics.Render(_store));
                break;
            case ["metrics", "targets"]:
                context.Response.ContentType = "application/json";
                await context.Response.WriteAsync(Targets().ToJsonString());
                break;
            default:
                await WriteAsync(context, await _network.CallAsync("storefront", "/", context.RequestAborted));
                break;
        }
    }

    private async Task ServePodAsync(HttpContext context, string pod, string? page)
    {
        if (_runtime.Find(pod) is not { } process)
        {
            context.Abort(); // nobody listens there
            return;
        }

        switch (page)
        {
            case "metrics":
                await context.Response.WriteAsync(process.RenderMetrics());
                break;
            case "readyz":
                await WriteAsync(context, process.ProbeReadiness() is { } failure ? new(503, failure) : new(200, "ok"));
                break;
            default:
                try
                {
                    await WriteAsync(context, await process.ServeAsync());
                }
                catch (OperationCanceledException) when (process.IsStopped)
                {
                    context.Abort(); // killed in the middle of it
                }

                break;
        }
    }

    private static async Task WriteAsync(HttpContext context, ShopReply reply)
    {
        context.Response.StatusCode = reply.Status == 0 ? 502 : reply.Status;
        await context.Response.WriteAsync(reply.Text + "\n");
    }

    /// <summary>Prometheus' HTTP service discovery: every running pod of the shop.</summary>
    private JsonArray Targets() => new([.. _runtime.Running.Select(p => new JsonObject
    {
        ["targets"] = new JsonArray(Url.Authority),
        ["labels"] = new JsonObject
        {
            ["__metrics_path__"] = $"/pods/{p.Pod.PodName}/metrics",
            ["instance"] = $"{p.Pod.PodIp}:8080",
            ["namespace"] = p.Pod.Namespace,
            ["service"] = p.Pod.Container,
            ["pod"] = p.Pod.PodName,
        },
    })]);
}
