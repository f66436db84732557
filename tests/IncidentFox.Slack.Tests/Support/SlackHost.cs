using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace IncidentFox.Slack.Tests.Support;

/// <summary>The product's own endpoints on a real Kestrel, and a sender that signs as Slack does (an implementation of its own).</summary>
internal sealed class SlackHost : IAsyncDisposable
{
    public const string Secret = "8f742231b10e8888abcd99yyyzzz85a5";
    private readonly WebApplication _app;

    private SlackHost(WebApplication app, FakeTimeProvider clock, RecordingHandler handler, MemoryLedger ledger, CollectedLogs logs)
    {
        _app = app;
        Clock = clock;
        Handler = handler;
        Ledger = ledger;
        Logs = logs;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(app.Urls.First()) };
    }

    public FakeTimeProvider Clock { get; }

    public RecordingHandler Handler { get; }

    public MemoryLedger Ledger { get; }

    public CollectedLogs Logs { get; }

    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<SlackHost> StartAsync(SlackOptions? options = null)
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        var handler = new RecordingHandler();
        var ledger = new MemoryLedger(clock);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var logs = new CollectedLogs();
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(logs);
        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.Services.AddSingleton<ISlackHandler>(handler);
        builder.Services.AddSingleton<ISlackRefusals>(handler);
        builder.Services.AddSingleton<ISlackRequestLedger>(ledger);
        builder.Services.AddSlack(options ?? new SlackOptions { BotToken = new("xoxb-test"), SigningSecret = new(Secret) });
        var app = builder.Build();
        app.MapSlack();
        await app.StartAsync();
        return new SlackHost(app, clock, handler, ledger, logs);
    }

    public Task<HttpResponseMessage> SendFormAsync(string path, string body) => SendAsync(Signed(path, body, "application/x-www-form-urlencoded"));

    public Task<HttpResponseMessage> SendJsonAsync(string path, string body) => SendAsync(Signed(path, body, "application/json"));

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) => Http.SendAsync(request, TestContext.Current.CancellationToken);

    public HttpRequestMessage Signed(string path, string body, string contentType, DateTimeOffset? at = null, string secret = Secret)
    {
        var timestamp = (at ?? Clock.GetUtcNow()).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return Request(path, Encoding.UTF8.GetBytes(body), contentType, timestamp, Sign(timestamp, body, secret));
    }

    public static string Sign(string timestamp, string body, string secret) =>
        "v0=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"v0:{timestamp}:{body}")));

    public static HttpRequestMessage Request(string path, byte[] body, string contentType, string? timestamp, string? signature)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        if (timestamp is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Slack-Request-Timestamp", timestamp);
        }

        if (signature is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Slack-Signature", signature);
        }

        return request;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }
}
