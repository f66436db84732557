using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Slack.Tests.Support;

internal sealed record ReceivedCall(string Method, string Body, string? ContentType, string? Authorization, string? Cookie);

/// <summary>A server in Slack's place: answers what a test tells it to, records what it was sent, and takes Socket Mode connections.</summary>
internal sealed class FakeSlackServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Func<HttpContext, Task>>> _answers = new();

    private FakeSlackServer(WebApplication app) => _app = app;

    public Uri ApiBaseUrl => new(_app.Urls.First() + "/api/");

    public ConcurrentQueue<ReceivedCall> Calls { get; } = new();

    public ConcurrentQueue<FakeSocket> Sockets { get; } = new();

    public static async Task<FakeSlackServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var server = new FakeSlackServer(builder.Build());
        server._app.UseWebSockets();
        server._app.Map("/link", (RequestDelegate)server.ConnectAsync);
        server._app.Map("/{**path}", (RequestDelegate)server.AnswerAsync);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>Answers are used in order; the last one stays. Without any: <c>{"ok":true}</c>.</summary>
    public void Answer(string method, int status, string body, params (string Name, string Value)[] headers) => Answer(method, async context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        foreach (var (name, value) in headers)
        {
            context.Response.Headers[name] = value;
        }

        await context.Response.WriteAsync(body);
    });

    public void Answer(string method, Func<HttpContext, Task> answer) => _answers.GetOrAdd(method, _ => new()).Enqueue(answer);

    public void AnswerSocketAddress() => Answer("apps.connections.open", 200, $$"""{"ok":true,"url":"{{_app.Urls.First().Replace("http:", "ws:")}}/link"}""");

    public async Task<FakeSocket> SocketAsync(int number)
    {
        await Eventually.TrueAsync(() => Sockets.Count >= number);
        return Sockets.ElementAt(number - 1);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var socket in Sockets)
        {
            socket.Drop();
        }

        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var method = context.Request.Path.Value!.Split('/')[^1];
        Calls.Enqueue(new ReceivedCall(
            method,
            await reader.ReadToEndAsync(),
            context.Request.ContentType,
            context.Request.Headers.Authorization.FirstOrDefault(),
            context.Request.Headers.Cookie.FirstOrDefault()));

        if (!_answers.TryGetValue(method, out var answers))
        {
            await context.Response.WriteAsync("""{"ok":true}""");
            return;
        }

        if (answers.Count == 1 || !answers.TryDequeue(out var answer))
        {
            answers.TryPeek(out answer);
        }

        await answer!(context);
    }

    private async Task ConnectAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var fake = new FakeSocket(socket);
        await fake.SendAsync("""{"type":"hello","num_connections":1,"connection_info":{"app_id":"A1"}}""");
        Sockets.Enqueue(fake);
        await fake.ReadAllAsync();
    }
}

internal sealed class FakeSocket(WebSocket socket)
{
    public ConcurrentQueue<string> Acknowledgements { get; } = new();

    public bool Closed { get; private set; }

    public Task SendAsync(string text) => socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    public void Drop() => socket.Abort();

    public async Task<string> AcknowledgementAsync(int number = 1)
    {
        await Eventually.TrueAsync(() => Acknowledgements.Count >= number);
        return Acknowledgements.ElementAt(number - 1);
    }

    public async Task ReadAllAsync()
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } part)
            {
                Acknowledgements.Enqueue(Encoding.UTF8.GetString(buffer, 0, part.Count));
            }

            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException)
        {
            // The test dropped it.
        }

        Closed = true;
    }
}
