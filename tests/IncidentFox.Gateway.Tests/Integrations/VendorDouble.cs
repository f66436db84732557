using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace IncidentFox.Gateway.Tests.Integrations;

/// <summary>
/// A vendor's server: refuses whoever does not show the credential as the vendor's documentation says, as the vendor does, and answers only what it
/// was told to expect. Everything else that comes is kept as <see cref="Unexpected"/>.
/// </summary>
internal sealed class VendorDouble : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly VendorFile _file;
    private readonly IReadOnlyDictionary<string, string> _secrets;
    private readonly ConcurrentQueue<(VendorExchange Exchange, VendorCredential Credential)> _expected = new();

    private VendorDouble(VendorFile file, IReadOnlyDictionary<string, string> secrets, WebApplication app)
    {
        (_file, _secrets, _app) = (file, secrets, app);
        Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
    }

    public string Url { get; }

    /// <summary>Requests with the right credential that nobody expected, or that were not as expected.</summary>
    public ConcurrentQueue<string> Unexpected { get; } = new();

    public int Answered;

    public int Refused;

    public int Received => Answered + Refused + Unexpected.Count;

    /// <param name="file">Who it is.</param>
    /// <param name="secrets">The right credentials, whatever the gateway was given.</param>
    /// <param name="tls">Null: plain HTTP.</param>
    public static async Task<VendorDouble> StartAsync(VendorFile file, IReadOnlyDictionary<string, string> secrets, VendorTls? tls)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (tls is not null)
            {
                listen.UseHttps(tls.Server, https =>
                {
                    https.ClientCertificateMode = file.Read.Certificate ? ClientCertificateMode.RequireCertificate : ClientCertificateMode.NoCertificate;
                    https.ClientCertificateValidation = (certificate, _, _) => tls.Issued(certificate);
                });
            }
        }));
        var app = builder.Build();
        VendorDouble? self = null;
        app.UseWebSockets();
        app.Run(http => self!.AnswerAsync(http));
        await app.StartAsync(TestContext.Current.CancellationToken);
        return self = new VendorDouble(file, secrets, app);
    }

    /// <summary>The next of its kind is answered like this, once.</summary>
    public void Expect(VendorExchange exchange, bool write = false) => _expected.Enqueue((exchange, write ? _file.Write! : _file.Read));

    /// <summary>Everything that was expected came, and nothing else.</summary>
    public void AssertDone()
    {
        Assert.Empty(Unexpected);
        Assert.True(_expected.IsEmpty, $"Never came: {string.Join("; ", _expected.Select(e => e.Exchange))}");
    }

    private async Task AnswerAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync();
        var target = http.Features.Get<IHttpRequestFeature>()!.RawTarget;
        if (_file.Endpoints.Where(e => e.Method == http.Request.Method && e.Path == target).ToList() is { Count: > 0 } endpoints)
        {
            await MintAsync(http, endpoints, body);
            return;
        }
        var credential = _expected.TryPeek(out var next) ? next.Credential : _file.Read;
        if (!IsAccepted(http.Request, credential, target, body))
        {
            Interlocked.Increment(ref Refused);
            await RefuseAsync(http);
            return;
        }
        if (!_expected.TryDequeue(out next) || Difference(next.Exchange, http.Request, target, body) is not null)
        {
            var expected = next.Exchange is null ? "nothing" : $"{next.Exchange} ({Difference(next.Exchange, http.Request, target, body)})";
            Unexpected.Enqueue($"{http.Request.Method} {target} {body}; expected was {expected}");
            http.Response.StatusCode = 418;
            return;
        }
        Interlocked.Increment(ref Answered);
        if (next.Exchange.Exec is { } exec)
            await ExecAsync(http, exec);
        else
            await WriteAsync(http, next.Exchange.Status, VendorFileReader.Fill(next.Exchange.Answer, _secrets), next.Exchange.ContentType);
    }

    // For reads and writes there may be one each.
    private async Task MintAsync(HttpContext http, IReadOnlyList<VendorExchange> endpoints, string body)
    {
        if (endpoints.FirstOrDefault(e => Difference(e, http.Request, e.Path, body) is null) is { } endpoint)
            await WriteAsync(http, endpoint.Status, VendorFileReader.Fill(endpoint.Answer, _secrets), endpoint.ContentType);
        else
        {
            Interlocked.Increment(ref Refused);
            await RefuseAsync(http);
        }
    }

    // As an API server does: the first byte of a message is its channel.
    private async Task ExecAsync(HttpContext http, IReadOnlyList<string> frames)
    {
        if (!http.WebSockets.WebSocketRequestedProtocols.SequenceEqual(["v5.channel.k8s.io"]))
        {
            Unexpected.Enqueue("a request that is no WebSocket of the right protocol");
            return;
        }
        using var socket = await http.WebSockets.AcceptWebSocketAsync("v5.channel.k8s.io");
        foreach (var frame in frames)
        {
            if (frame == "break")
            {
                http.Abort();
                return;
            }
            byte[] bytes = [(byte)(frame[0] - '0'), .. Encoding.UTF8.GetBytes(VendorFileReader.Fill(frame[2..], _secrets))];
            // In pieces, as big messages come.
            var half = bytes.Length / 2;
            await socket.SendAsync(bytes.AsMemory(0, half), WebSocketMessageType.Binary, endOfMessage: false, default);
            await socket.SendAsync(bytes.AsMemory(half), WebSocketMessageType.Binary, endOfMessage: true, default);
        }
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
    }

    private Task RefuseAsync(HttpContext http) => WriteAsync(http, _file.Refusal.Status, _file.Refusal.Body, "application/json");

    private static async Task WriteAsync(HttpContext http, int status, string text, string contentType)
    {
        http.Response.StatusCode = status;
        if (status == 204)
            return;
        http.Response.ContentType = contentType;
        await http.Response.WriteAsync(text);
    }

    private bool IsAccepted(HttpRequest request, VendorCredential credential, string target, string body)
    {
        if (credential.Certificate && request.HttpContext.Connection.ClientCertificate is null)
            return false;
        if (credential.Basic is { } basic
            && request.Headers.Authorization != "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(VendorFileReader.Fill(basic, _secrets))))
            return false;
        if (credential.Headers.Any(h => request.Headers[h.Key] != VendorFileReader.Fill(h.Value, _secrets)))
            return false;
        if (credential.Query.Any(q => !Pairs(target).Contains((q.Key, VendorFileReader.Fill(q.Value, _secrets)))))
            return false;
        return credential.Signature is not { } signature || VendorSignature.IsValid(request, target, body, signature.Region, signature.Service, _secrets);
    }

    private string? Difference(VendorExchange expected, HttpRequest request, string target, string body)
    {
        var path = target.Split('?')[0];
        if (request.Method != expected.Method || path != expected.Path)
            return "another method or path";
        var secretKeys = _file.Read.Query.Keys.ToHashSet();
        if (!Pairs(target).Where(p => !secretKeys.Contains(p.Key)).SequenceEqual(expected.Query))
            return "another query";
        if (expected.Headers.FirstOrDefault(h => request.Headers[h.Key] != VendorFileReader.Fill(h.Value, _secrets)).Key is { } header)
            return $"header {header} is '{request.Headers[header]}'";
        if (expected.Assertion is { } claims)
        {
            const string Grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
            return body.StartsWith(Grant, StringComparison.Ordinal)
                && VendorKeys.Signed(body[Grant.Length..], claims.ToDictionary(c => c.Key, c => c.Value.Replace("{base_url}", Url, StringComparison.Ordinal))) ? null : "another assertion";
        }
        if (expected.Form is { } form)
            return body == VendorFileReader.Fill(form, _secrets) ? null : "another body";
        if (expected.Body is null)
            return body.Length == 0 ? null : "a body";
        try
        {
            return JsonNode.DeepEquals(JsonNode.Parse(body), expected.Body) ? null : $"another body than {expected.Body.ToJsonString()}";
        }
        catch (JsonException)
        {
            return "a body that is no JSON";
        }
    }

    private static List<(string Key, string Value)> Pairs(string target) => target.IndexOf('?') is var question and >= 0 && question < target.Length - 1
        ? [.. target[(question + 1)..].Split('&').Select(p => p.Split('=', 2)).Select(p => (Uri.UnescapeDataString(p[0]), Uri.UnescapeDataString(p.ElementAtOrDefault(1) ?? "")))]
        : [];

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
