using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Slack.WebApi;

/// <summary>A call as data, so that it can be sent again.</summary>
/// <param name="Url">The full address.</param>
/// <param name="Token">Unset for a response_url, which needs none and must not get one.</param>
/// <param name="Body">The body's bytes.</param>
/// <param name="ContentType">Its type.</param>
/// <param name="RateKey">Calls with the same key share a limit.</param>
/// <param name="Interval">The least time between two of them.</param>
/// <param name="SafeToRepeat">Twice does no harm, so a lost answer is a reason to send it again.</param>
internal sealed record SlackCall(Uri Url, SlackSecret Token, byte[] Body, string ContentType, string RateKey, TimeSpan Interval, bool SafeToRepeat);

/// <summary>Sends a call when its rate limit allows, and again where that is certain to be harmless.</summary>
internal sealed partial class SlackCaller(SlackTransport transport, RateGate gate, SlackOptions options, TimeProvider clock, ILogger<SlackCaller> log)
{
    private const int MaxAttempts = 3;

    public async ValueTask<SlackResult<T>> CallAsync<T>(SlackCall call, Func<JsonElement, T> read, CancellationToken cancellationToken)
    {
        var giveUpAt = clock.GetUtcNow() + options.MaxRateLimitWait;
        for (var attempt = 1; ; attempt++)
        {
            // The interval is reserved once; a second try after a 429 only waits for the block to end.
            var interval = attempt == 1 ? call.Interval : TimeSpan.Zero;
            if (await gate.WaitAsync(call.RateKey, interval, giveUpAt, cancellationToken) is { } tooLong)
            {
                return new SlackError("ratelimited", 0, tooLong, CanRetry: true, SlackDelivery.NotDelivered, "not sent: the wait would exceed Slack:MaxRateLimitWait");
            }

            using var request = Build(call);
            var answer = await transport.SendAsync(request, cancellationToken);
            if (answer.Error is not { } error)
            {
                using var document = answer.Document!;
                return Read(document.RootElement, read);
            }

            if (error.RetryAfter is { } pause)
            {
                gate.Block(call.RateKey, pause);
                LogRateLimited(call.RateKey, pause.TotalSeconds);
            }

            if (attempt == MaxAttempts || !MayRepeat(call, error))
            {
                return error;
            }

            if (error.RetryAfter is null)
            {
                await Task.Delay(Backoff(attempt), clock, cancellationToken);
            }
        }
    }

    private static bool MayRepeat(SlackCall call, SlackError error) =>
        error.RetryAfter is not null || (call.SafeToRepeat && error.CanRetry);

    private static TimeSpan Backoff(int attempt) =>
        TimeSpan.FromMilliseconds((250 << attempt) + System.Security.Cryptography.RandomNumberGenerator.GetInt32(250));

    private static HttpRequestMessage Build(SlackCall call)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, call.Url) { Content = new OnceContent(call.Body, call.ContentType) };
        if (call.Token.IsSet)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", call.Token.Reveal());
        }

        return request;
    }

    // Slack said ok, so it acted; that its answer can't be read does not undo that.
    private static SlackResult<T> Read<T>(JsonElement root, Func<JsonElement, T> read)
    {
        try
        {
            return read(root);
        }
        catch (Exception exception) when (exception is Inbound.MalformedPayloadException or InvalidOperationException or KeyNotFoundException)
        {
            return new SlackError("invalid_response", 200, null, CanRetry: false, SlackDelivery.Unknown, exception.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Slack limits {Call}: waiting {Seconds} s")]
    private partial void LogRateLimited(string call, double seconds);
}
