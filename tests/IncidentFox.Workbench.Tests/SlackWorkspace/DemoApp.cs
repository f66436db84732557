using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Web;
using IncidentFox.Workbench.SlackWorkspace;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Workbench.Tests.SlackWorkspace;

/// <summary>A request as the app got it.</summary>
public sealed record Received(string Path, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public JsonObject Payload => Path == "/slack/events"
        ? JsonNode.Parse(Body)!.AsObject()
        : JsonNode.Parse(HttpUtility.ParseQueryString(Body)["payload"]!)!.AsObject();

    public string Field(string name) => HttpUtility.ParseQueryString(Body)[name] ?? "";
}

/// <summary>The smallest app that can live in a workspace: it notes what it gets and answers as the test says.</summary>
public sealed class DemoApp : IAsyncDisposable
{
    private readonly WebApplication web;
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = 32 });

    private DemoApp()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        web = builder.Build();
        web.MapPost("/slack/{kind}", async (HttpContext context) =>
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            var request = new Received(context.Request.Path, await reader.ReadToEndAsync(), context.Request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString()));
            Requests.Enqueue(request);
            var (status, body) = await Answer(request);
            context.Response.StatusCode = status;
            if (body.StartsWith('{')) context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(body);
        });
    }

    public ConcurrentQueue<Received> Requests { get; } = [];

    public Func<Received, Task<(int Status, string Body)>> Answer { get; set; } = _ => Task.FromResult((200, ""));

    public Uri Url => new(web.Urls.First());

    public static async Task<DemoApp> StartAsync()
    {
        var app = new DemoApp();
        await app.web.StartAsync();
        return app;
    }

    /// <summary>Calls the Web API as an app does; <paramref name="token"/> empty sends none.</summary>
    public async Task<JsonObject> CallAsync(SlackDouble slack, string method, object arguments, string? token = null) =>
        (await SendAsync(slack, method, arguments, token)).Answer;

    public async Task<(HttpResponseMessage Response, JsonObject Answer)> SendAsync(SlackDouble slack, string method, object arguments, string? token = null)
    {
        var json = JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(arguments))!.AsObject();
        var asForm = method.StartsWith("users.", StringComparison.Ordinal) || method.StartsWith("conversations.", StringComparison.Ordinal) || method.StartsWith("usergroups.", StringComparison.Ordinal) || method == "chat.getPermalink";
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(slack.ApiBaseUrl, method));
        request.Content = asForm
            ? new FormUrlEncodedContent(json.Select(a => KeyValuePair.Create(a.Key, a.Value!.ToString())))
            : new StringContent(json.ToJsonString(), Encoding.UTF8, "application/json");
        if (token != "") request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token ?? slack.Options.BotToken);
        var response = await http.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        return (response, body.StartsWith('{') ? JsonNode.Parse(body)!.AsObject() : []);
    }

    public Task<HttpResponseMessage> RespondAsync(string responseUrl, object answer) =>
        http.PostAsync(new Uri(responseUrl), new StringContent(System.Text.Json.JsonSerializer.Serialize(answer), Encoding.UTF8, "application/json"));

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await web.DisposeAsync();
    }
}
