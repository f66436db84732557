using System.Globalization;
using System.Text;

namespace IncidentFox.Workbench.SlackWorkspace.Deliveries;

/// <summary>Delivers one signed request to the app over HTTP and waits three seconds for its answer.</summary>
internal sealed class HttpDoor(SlackDoubleOptions options) : IDisposable
{
    private const int MaxAnswer = 1_000_000;

    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false, MaxConnectionsPerServer = 64 })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = MaxAnswer,
    };

    public async Task<(DeliveryResult Result, bool NoRetry)> SendAsync(Uri app, Delivery delivery, (int Number, string Reason)? retry, CancellationToken ct)
    {
        var started = options.TimeProvider.GetTimestamp();
        using var timeout = new CancellationTokenSource(options.Limits.DeliveryTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        using var request = Build(new Uri(app, delivery.Path), delivery.HttpBody, delivery.ContentType);
        if (retry is { } again)
        {
            request.Headers.Add("x-slack-retry-num", again.Number.ToString(CultureInfo.InvariantCulture));
            request.Headers.Add("x-slack-retry-reason", again.Reason);
        }

        DeliveryResult Result(DeliveryOutcome outcome, int? status, string body) => new(outcome, status, body, options.TimeProvider.GetElapsedTime(started));
        try
        {
            using var response = await http.SendAsync(request, either.Token);
            var body = await response.Content.ReadAsStringAsync(either.Token);
            var outcome = response.IsSuccessStatusCode ? DeliveryOutcome.Answered : DeliveryOutcome.Refused;
            return (Result(outcome, (int)response.StatusCode, body), response.Headers.Contains("x-slack-no-retry"));
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return (Result(DeliveryOutcome.TimedOut, null, ""), false);
        }
        catch (HttpRequestException)
        {
            return (Result(DeliveryOutcome.Unreachable, null, ""), false);
        }
    }

    /// <summary>The request as Slack signs it: over the timestamp and the body's exact bytes.</summary>
    private HttpRequestMessage Build(Uri url, string body, string contentType)
    {
        var timestamp = options.TimeProvider.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        request.Headers.TryAddWithoutValidation("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)");
        request.Headers.Add("X-Slack-Request-Timestamp", timestamp);
        request.Headers.Add("X-Slack-Signature", RequestSignature.Compute(options.SigningSecret, timestamp, body));
        return request;
    }

    public void Dispose() => http.Dispose();
}
