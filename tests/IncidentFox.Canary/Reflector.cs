using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Canary;

/// <summary>Targets that tell everything they were told: each answer quotes the request's credential in every spelling, in header and body, in pieces.</summary>
internal sealed class Reflector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _reflected;

    private Reflector(WebApplication app) => _app = app;

    public IReadOnlyList<int> Ports { get; private set; } = [];

    /// <summary>What the agent is to look for, each byte turned over.</summary>
    public IReadOnlyList<string> Needles { get; set; } = [];

    /// <summary>No secret: it must be found, or the search finds nothing.</summary>
    public string Planted { get; set; } = "";

    /// <summary>How many answers quoted a credential.</summary>
    public int Reflected => _reflected;

    public static async Task<Reflector> StartAsync(int ports)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
        {
            for (var i = 0; i < ports; i++)
                k.Listen(IPAddress.Loopback, 0);
        });
        var app = builder.Build();
        var reflector = new Reflector(app);
        app.Run(reflector.AnswerAsync);
        await app.StartAsync();
        reflector.Ports = [.. app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Select(a => new Uri(a).Port)];
        return reflector;
    }

    private async Task AnswerAsync(HttpContext http)
    {
        var path = http.Request.Path.Value!;
        if (path == "/needles")
        {
            await http.Response.WriteAsync($"{{\"needles\":[{string.Join(',', Needles.Select(n => $"{{\"needle\":\"{n}\"}}"))}]}}");
            return;
        }
        var told = http.Request.Headers.Authorization.ToString() is { Length: > 0 } authorization ? authorization : http.Request.Headers["X-Api-Key"].ToString();
        var secret = told[(told.LastIndexOf(' ') + 1)..];
        if (told.StartsWith("Basic ", StringComparison.Ordinal))
            secret = Encoding.UTF8.GetString(Convert.FromBase64String(secret)).Split(':', 2)[1];
        if (secret.Length > 0)
            Interlocked.Increment(ref _reflected);
        var bytes = Encoding.UTF8.GetBytes(secret);
        http.Response.StatusCode = path == "/failure" ? 500 : 200;
        http.Response.ContentType = "application/json";
        http.Response.Headers.ETag = $"\"{secret}\"";
        http.Response.Headers["X-Echo"] = told;
        var pod = "\"metadata\":{\"uid\":\"u-1\",\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"checkout-abc\"}]},\"status\":{\"phase\":\"Running\"}";
        var answer = Encoding.UTF8.GetBytes(
            $"{{{pod},\"planted\":\"{Planted}\",\"items\":[\"{secret}\",\"{told}\",\"{Convert.ToBase64String(bytes)}\",\"{Convert.ToBase64String([1, .. bytes])}\",\"{Convert.ToBase64String([1, 2, .. bytes])}\","
            + $"\"{Convert.ToHexStringLower(bytes)}\",\"{Convert.ToHexString(bytes)}\",\"{string.Concat(bytes.Select(b => $"%{b:X2}"))}\",\"{string.Concat(bytes.Select(b => $"\\u{(int)b:x4}"))}\"]}}");
        for (var at = 0; at < answer.Length;)
        {
            var size = Math.Min(1 + Random.Shared.Next(200), answer.Length - at);
            await http.Response.Body.WriteAsync(answer.AsMemory(at, size));
            await http.Response.Body.FlushAsync();
            at += size;
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
