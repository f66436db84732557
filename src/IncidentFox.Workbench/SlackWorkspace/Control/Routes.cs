using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace.Api;
using IncidentFox.Workbench.SlackWorkspace.Deliveries;

namespace IncidentFox.Workbench.SlackWorkspace.Control;

/// <summary>Every address of the double: Slack's own, and the page with its control API.</summary>
internal static class Routes
{
    private const int MaxBody = 1_000_000;

    public static WebApplication Build(SlackDouble workspace, SlackDoubleOptions options, SlackApi api, SocketDoor sockets, ResponseUrls urls)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [] });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(options.Url);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBody;
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));

        var app = builder.Build();
        app.Use(OnlyFromHereAsync);
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(10) });
        app.MapMethods("/api/{method}", ["GET", "POST"], (HttpContext context, string method) => api.HandleAsync(context, method));
        app.MapPost("/hooks/{kind}/{team}/{id}", (HttpContext context, string id) => HookAsync(context, urls, api, id));
        app.Map("/link/", context => LinkAsync(context, sockets, api));

        ControlApi.Map(app.MapGroup("/_workspace"), workspace);
        PageFiles.Map(app);
        return app;
    }

    private static async Task HookAsync(HttpContext context, ResponseUrls urls, SlackApi api, string id)
    {
        var (status, body) = api.IsOut ? (503, "") : (400, "invalid_payload");
        if (!api.IsOut && await ReadObjectAsync(context.Request) is { } answer) (status, body) = urls.Answer(id, answer);
        context.Response.StatusCode = status;
        await context.Response.WriteAsync(body, context.RequestAborted);
    }

    private static async Task LinkAsync(HttpContext context, SocketDoor sockets, SlackApi api)
    {
        if (api.IsOut || !context.WebSockets.IsWebSocketRequest || !sockets.Redeem(context.Request.Query["ticket"].ToString()))
        {
            context.Response.StatusCode = api.IsOut ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status401Unauthorized;
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        await sockets.ServeAsync(socket, context.RequestAborted);
    }

    internal static async Task<JsonObject?> ReadObjectAsync(HttpRequest request)
    {
        try
        {
            return await JsonNode.ParseAsync(request.Body, cancellationToken: request.HttpContext.RequestAborted) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// The page can act as anyone, so only this machine's browser may use it: a web site that points its own name at 127.0.0.1 carries
    /// that name in Host, and one that posts from elsewhere carries its Origin.
    /// </summary>
    private static Task OnlyFromHereAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        var isSlack = request.Path.StartsWithSegments("/api") || request.Path.StartsWithSegments("/hooks") || request.Path.StartsWithSegments("/link");
        var origin = request.Headers.Origin.ToString();
        if (isSlack || (IsAddress(request.Host.Host) && (origin.Length == 0 || origin == $"{request.Scheme}://{request.Host}"))) return next(context);
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
    }

    private static bool IsAddress(string host) => host == "localhost" || IPAddress.TryParse(host.Trim('[', ']'), out _);
}
