using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Chaos.World;

/// <summary>What the processes take for Slack: the workspace double behind it, and in front of it the answers that only the person who clicked sees.</summary>
internal sealed class SlackFront : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Uri _slack;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    private readonly ConcurrentDictionary<string, string> _told = new();
    private int _out;

    private SlackFront(WebApplication app, Uri slack) => (_app, _slack) = (app, slack);

    public Uri Url { get; private set; } = null!;

    /// <summary>What the person was told who made this click; null when nothing arrived.</summary>
    public string? Told(string click) => _told.GetValueOrDefault(click);

    /// <summary>Where the answer to this click goes.</summary>
    public string ResponseUrl(string click) => new Uri(Url, $"hooks/{click}").AbsoluteUri;

    public static async Task<SlackFront> StartAsync(Uri slack)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var front = new SlackFront(app, slack);
        app.Run(front.HandleAsync);
        await app.StartAsync();
        front.Url = new Uri(app.Urls.Single().TrimEnd('/') + "/");
        return front;
    }

    /// <summary>503 for everything, for so long. Outages at the same time are one.</summary>
    public async Task OutageAsync(TimeSpan during)
    {
        Interlocked.Increment(ref _out);
        await Task.Delay(during);
        Interlocked.Decrement(ref _out);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _http.Dispose();
    }

    private async Task HandleAsync(HttpContext http)
    {
        if (Volatile.Read(ref _out) > 0)
        {
            http.Response.StatusCode = 503;
            return;
        }
        var path = http.Request.Path.Value!;
        if (path.StartsWith("/hooks/", StringComparison.Ordinal))
        {
            _told[path["/hooks/".Length..]] = (string)(await JsonNode.ParseAsync(http.Request.Body))!["text"]!;
            await http.Response.WriteAsync("ok");
            return;
        }
        using var request = new HttpRequestMessage(HttpMethod.Parse(http.Request.Method), new Uri(_slack, path.TrimStart('/') + http.Request.QueryString));
        if (HttpMethods.IsPost(http.Request.Method))
        {
            var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            request.Content = new ByteArrayContent(body.ToArray());
            request.Content.Headers.TryAddWithoutValidation("Content-Type", http.Request.ContentType);
        }
        request.Headers.TryAddWithoutValidation("Authorization", http.Request.Headers.Authorization.ToString());
        using var answer = await _http.SendAsync(request, http.RequestAborted);
        http.Response.StatusCode = (int)answer.StatusCode;
        http.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        await answer.Content.CopyToAsync(http.Response.Body);
    }
}
