using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Gateway;

/// <summary>The sandbox's only way out: HTTP/1.1 to the gateway, over a socket or TLS. Never throws for what the other side does.</summary>
internal sealed class GatewayClient : IDisposable
{
    /// <summary>An answer beyond this is not read on.</summary>
    public const int MaxBodyBytes = 8 * 1024 * 1024;

    /// <summary>How long a call may take. Long polls end after 25 s by themselves.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly HttpClient _http;
    private readonly IGatewayDialer _dialer;
    private readonly TimeProvider _time;

    public GatewayClient(IGatewayDialer dialer, TimeProvider time)
    {
        (_dialer, _time) = (dialer, time);
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = (_, ct) => dialer.DialAsync(ct),
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            MaxConnectionsPerServer = 8,
        })
        {
            // Plain on this side: what encrypts is the dialer's stream.
            BaseAddress = new Uri($"http://{dialer.Host}/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public GatewayClient(string socketPath, TimeProvider time) : this(new SocketDialer(socketPath), time)
    {
    }

    public Task<GatewayReply> GetAsync(string path, CancellationToken ct) => SendAsync(HttpMethod.Get, path, null, ct);

    public Task<GatewayReply> PostAsync(string path, byte[] json, CancellationToken ct) => SendAsync(HttpMethod.Post, path, json, ct);

    public void Dispose() => _http.Dispose();

    private async Task<GatewayReply> SendAsync(HttpMethod method, string path, byte[]? json, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(Patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        try
        {
            using var request = new HttpRequestMessage(method, path);
            if (await _dialer.TokenAsync(either.Token) is { } token)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            if (json is not null)
            {
                request.Content = new ByteArrayContent(json);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            }
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var body = await ReadBoundedAsync(response, either.Token);
            var upstream = response.Headers.TryGetValues(Protocol.SourceHeader, out var source) && source.Contains("upstream", StringComparer.Ordinal);
            return body is null
                ? new(response.StatusCode, upstream, [], $"the answer is larger than {MaxBodyBytes / (1024 * 1024)} MiB and was not read")
                : new(response.StatusCode, upstream, body, null);
        }
        catch (Exception e) when ((e as DialException ?? e.InnerException) is DialException refused)
        {
            return new(null, false, [], refused.Message) { Untrusted = refused.Untrusted };
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            return new(null, false, [], "the gateway could not be reached");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new(null, false, [], $"no answer within {Patience.TotalSeconds:0} s");
        }
    }

    private static async Task<byte[]?> ReadBoundedAsync(HttpResponseMessage response, CancellationToken ct)
    {
        if (response.Content.Headers.ContentLength > MaxBodyBytes)
            return null;
        using var body = new MemoryStream();
        await using var stream = await response.Content.ReadAsStreamAsync(ct);
        var buffer = new byte[16 * 1024];
        for (int read; (read = await stream.ReadAsync(buffer, ct)) > 0;)
        {
            if (body.Length + read > MaxBodyBytes)
                return null;
            body.Write(buffer, 0, read);
        }
        return body.ToArray();
    }
}
