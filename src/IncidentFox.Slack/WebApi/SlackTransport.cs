using System.Net;
using System.Text.Json;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Slack.WebApi;

/// <summary>What came back: an answer with <c>"ok": true</c>, or an error. The caller disposes the document.</summary>
internal readonly record struct SlackAnswer(JsonDocument? Document, SlackError? Error);

/// <summary>One request, one bounded answer. No redirects, cookies, ambient proxy or second sending behind the caller's back.</summary>
internal sealed class SlackTransport : IDisposable
{
    private const int MaxDetail = 500;
    private readonly HttpClient _http;
    private readonly SlackOptions _options;
    private readonly TimeProvider _clock;

    public SlackTransport(SlackOptions options, TimeProvider clock)
    {
        _options = options;
        _clock = clock;
        _http = new HttpClient(CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public static SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        MaxResponseHeadersLength = 32,
        MaxResponseDrainSize = 0,
        ActivityHeadersPropagator = null,
    };

    public async Task<SlackAnswer> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_options.RequestTimeout, _clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            return await ReadAsync(response, both.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Failed("timeout", 0, canRetry: true, SlackDelivery.Unknown);
        }
        catch (HttpRequestException exception)
        {
            var neverConnected = exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                or HttpRequestError.SecureConnectionError;
            return Failed("unreachable", 0, canRetry: true, neverConnected ? SlackDelivery.NotDelivered : SlackDelivery.Unknown, exception.HttpRequestError.ToString());
        }
        catch (IOException)
        {
            return Failed("unreachable", 0, canRetry: true, SlackDelivery.Unknown);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<SlackAnswer> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        if (response.StatusCode == HttpStatusCode.TooManyRequests)
        {
            return RateLimited(response);
        }

        if (status >= 500)
        {
            return Failed("server_error", status, canRetry: true, SlackDelivery.Unknown);
        }

        if (await ReadBoundedAsync(response, cancellationToken) is not { } body)
        {
            return Failed("response_too_large", status, canRetry: false, SlackDelivery.Unknown);
        }

        if (status != 200)
        {
            // A redirect is never followed: it would take the token along.
            return ErrorCodeOf(body) is { } code
                ? Failed(code, status, canRetry: false, SlackDelivery.NotDelivered)
                : Failed($"http_{status}", status, canRetry: false, status < 400 ? SlackDelivery.Unknown : SlackDelivery.NotDelivered);
        }

        return Interpret(response, body, status);
    }

    private static SlackAnswer Interpret(HttpResponseMessage response, ReadOnlyMemory<byte> body, int status)
    {
        // A response_url answers with the bare word.
        if (body.Span.Trim(" \r\n"u8).SequenceEqual("ok"u8))
        {
            return new SlackAnswer(JsonDocument.Parse("{\"ok\":true}"), null);
        }

        if (SlackJson.TryParse(body) is not { } document)
        {
            return Failed("invalid_response", status, canRetry: true, SlackDelivery.Unknown);
        }

        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("ok", out var ok) || ok.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            document.Dispose();
            return Failed("invalid_response", status, canRetry: true, SlackDelivery.Unknown);
        }

        if (ok.ValueKind == JsonValueKind.True)
        {
            return new SlackAnswer(document, null);
        }

        using (document)
        {
            var code = ErrorCode(root) ?? "unknown_error";
            return code switch
            {
                "ratelimited" or "rate_limited" => RateLimited(response),

                // Slack: "It's possible some aspect of the operation succeeded before the error was raised."
                "internal_error" or "fatal_error" => Failed(code, status, canRetry: true, SlackDelivery.Unknown, DetailOf(root)),
                "service_unavailable" or "request_timeout" or "team_added_to_org" => Failed(code, status, canRetry: true, SlackDelivery.NotDelivered, DetailOf(root)),
                _ => Failed(code, status, canRetry: false, SlackDelivery.NotDelivered, DetailOf(root)),
            };
        }
    }

    private async Task<ReadOnlyMemory<byte>?> ReadBoundedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentLength > _options.MaxResponseBytes)
        {
            return null;
        }

        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var body = new MemoryStream();
        var chunk = new byte[16 * 1024];
        int read;
        while ((read = await stream.ReadAsync(chunk, cancellationToken)) > 0)
        {
            if (body.Length + read > _options.MaxResponseBytes)
            {
                return null;
            }

            body.Write(chunk, 0, read);
        }

        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    private static SlackAnswer RateLimited(HttpResponseMessage response)
    {
        var seconds = response.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(5);
        return new SlackAnswer(null, new SlackError("ratelimited", (int)response.StatusCode, seconds, CanRetry: true, SlackDelivery.NotDelivered));
    }

    private static SlackAnswer Failed(string code, int status, bool canRetry, SlackDelivery delivery, string? detail = null) =>
        new(null, new SlackError(code, status, null, canRetry, delivery, detail));

    private static string? ErrorCodeOf(ReadOnlyMemory<byte> body)
    {
        using var document = SlackJson.TryParse(body);
        return document is { RootElement.ValueKind: JsonValueKind.Object } ? ErrorCode(document.RootElement) : null;
    }

    // Codes end up in logs and decisions: anything that does not look like one is not repeated.
    private static string? ErrorCode(JsonElement root) =>
        root.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String
        && error.GetRawText().Trim('"') is { Length: > 0 and <= 80 } code && code.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
            ? code
            : null;

    private static string? DetailOf(JsonElement root)
    {
        if (root.TryGetProperty("response_metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object
            && metadata.TryGetProperty("messages", out var messages) && messages.ValueKind == JsonValueKind.Array)
        {
            return SlackText.Inert(messages.GetRawText(), MaxDetail);
        }

        return root.TryGetProperty("needed", out var needed) ? SlackText.Inert("needs scope " + needed.GetRawText(), MaxDetail) : null;
    }
}
