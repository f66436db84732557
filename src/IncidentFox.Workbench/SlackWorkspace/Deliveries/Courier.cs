using System.Collections.Concurrent;

namespace IncidentFox.Workbench.SlackWorkspace.Deliveries;

/// <summary>Takes what happened to the app: through Socket Mode when the app is connected, else over HTTP. Events are tried again, the rest is not.</summary>
internal sealed class Courier(SlackDoubleOptions options, SocketDoor sockets, Record<DeliveryAttempt> record) : IAsyncDisposable
{
    private readonly HttpDoor http = new(options);
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<Task, byte> running = new();

    public Uri? App { get; set; } = options.AppBaseUrl;

    public bool IsOut { get; set; }

    public async Task<DeliveryResult> DeliverAsync(Delivery delivery, CancellationToken ct)
    {
        var (result, _, transport) = await TryAsync(delivery, null, ct);
        Write(delivery, 1, transport, result, null);
        return result;
    }

    /// <summary>Sends an event in the background, with Slack's three redeliveries.</summary>
    public void Publish(Delivery delivery)
    {
        var task = PublishAsync(delivery, stopping.Token);
        running.TryAdd(task, 0);
        _ = task.ContinueWith(t => running.TryRemove(t, out _), TaskScheduler.Default);
    }

    private async Task PublishAsync(Delivery delivery, CancellationToken ct)
    {
        (int Number, string Reason)? retry = null;
        try
        {
            for (var attempt = 0; ; attempt++)
            {
                var (result, noRetry, transport) = await TryAsync(delivery, retry, ct);
                var isLast = result.IsAnswered || noRetry || attempt >= options.Limits.EventRetries.Count;
                var wait = isLast ? Task.CompletedTask : Task.Delay(options.Limits.EventRetries[attempt], options.TimeProvider, ct);

                // Written once the timer runs, so that whoever reads it may move the clock.
                Write(delivery, attempt + 1, transport, result, isLast ? null : options.TimeProvider.GetUtcNow() + options.Limits.EventRetries[attempt]);
                if (isLast) return;
                retry = (attempt + 1, Reason(result.Outcome));
                await wait;
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The workspace is closing.
        }
    }

    private async Task<(DeliveryResult Result, bool NoRetry, string Transport)> TryAsync(Delivery delivery, (int Number, string Reason)? retry, CancellationToken ct)
    {
        if (IsOut) return (new DeliveryResult(DeliveryOutcome.Unreachable, null, "", TimeSpan.Zero), false, "none");
        if (sockets.Count > 0) return (await sockets.SendAsync(delivery, retry, ct), false, "socket");
        if (App is not { } app) return (new DeliveryResult(DeliveryOutcome.Unreachable, null, "", TimeSpan.Zero), true, "none");
        var (result, noRetry) = await http.SendAsync(app, delivery, retry, ct);
        return (result, noRetry, "http");
    }

    private void Write(Delivery delivery, int attempt, string transport, DeliveryResult result, DateTimeOffset? retryAt)
    {
        var body = transport == "http" ? delivery.HttpBody : delivery.Payload.ToJsonString();
        record.Add(new DeliveryAttempt(options.TimeProvider.GetUtcNow(), delivery.Kind, delivery.What, delivery.Id, attempt, transport,
            result.Outcome, result.Status, result.Elapsed, body, result.Body, retryAt));
    }

    private static string Reason(DeliveryOutcome outcome) => outcome switch
    {
        DeliveryOutcome.TimedOut => "http_timeout",
        DeliveryOutcome.Refused => "http_error",
        _ => "connection_failed",
    };

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(running.Keys);
        http.Dispose();
        stopping.Dispose();
    }
}
