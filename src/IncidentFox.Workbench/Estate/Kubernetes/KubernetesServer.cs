using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>Serves the API over HTTP on loopback, writes down every request, and holds answers back when told to.</summary>
internal sealed class KubernetesServer : IAsyncDisposable
{
    /// <summary>The real server's limit for a request's body.</summary>
    private const int BodyLimit = 3 * 1024 * 1024;
    private const long MostRead = 32L * 1024 * 1024;
    private readonly KubernetesApi _api;
    private readonly Authorizer _authorizer;
    private readonly TimeProvider _clock;
    private readonly WebApplication _app;

    private readonly ApiFaults _faults;

    private KubernetesServer(KubernetesApi api, Authorizer authorizer, ApiFaults faults, TimeProvider clock, int port, X509Certificate2? certificate)
    {
        _api = api;
        _faults = faults;
        _authorizer = authorizer;
        _clock = clock;
        _app = LoopbackServer.Build(port, options => options.Limits.MaxRequestBodySize = null, certificate);
        _app.UseWebSockets(new() { KeepAliveInterval = TimeSpan.Zero });
        _app.Run(ServeAsync);
    }

    public Uri Url => LoopbackServer.UrlOf(_app);

    public RequestLog Requests { get; } = new();

    public Stalls Stalls { get; } = new();

    public static async Task<KubernetesServer> StartAsync(
        KubernetesApi api, Authorizer authorizer, TimeProvider clock, int port, CancellationToken cancellationToken, ApiFaults? faults = null,
        X509Certificate2? certificate = null)
    {
        var server = new KubernetesServer(api, authorizer, faults ?? new(), clock, port, certificate);
        await server._app.StartAsync(cancellationToken);
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task ServeAsync(HttpContext context)
    {
        // The path as sent: decoding would turn an encoded slash into a separator.
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?', 2);
        var query = target.Length > 1 ? target[1] : "";
        var (body, tooLarge) = await ReadBodyAsync(context);
        Identity? identity = null;
        ApiAnswer? refusal = tooLarge ? ApiAnswer.Refusal(ApiException.TooLarge(BodyLimit)) : null;
        try
        {
            identity = _authorizer.Authenticate(context.Request.Headers.Authorization);
        }
        catch (ApiException unauthorized)
        {
            refusal = ApiAnswer.Refusal(unauthorized);
        }

        var record = new KubernetesRequest(
            _clock.GetUtcNow(), context.Request.Method, target[0], query, Encoding.UTF8.GetString(body), identity?.Name ?? "");
        Requests.Add(record);
        var fault = _faults.Take(record);
        if (fault is { IsCarriedOut: false })
        {
            await FailAsync(context, record, fault);
            return;
        }

        var answer = refusal ?? _api.Answer(new(
            context.Request.Method, target[0], query, context.Request.ContentType ?? "", context.Request.Headers.Accept.ToString(), body, identity!)
        {
            UserAgent = context.Request.Headers.UserAgent,
            Record = record,
            Protocols = context.WebSockets.IsWebSocketRequest ? [.. context.WebSockets.WebSocketRequestedProtocols] : null,
        });

        try
        {
            if (fault is not null)
            {
                await FailAsync(context, record, fault);
                return;
            }

            if (Stalls.Take(record) is { } stall)
            {
                await stall.HoldAsync(record, context.RequestAborted);
            }

            record.Status = answer.Status;
            await SendAsync(context, answer);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; whatever was done stays done.
            return;
        }
    }

    private static async Task FailAsync(HttpContext context, KubernetesRequest record, ApiFault fault)
    {
        if (fault.Status is { } status)
        {
            var refusal = ApiException.Fault(status, fault.RetryAfterSeconds);
            record.Status = status;
            await SendAsync(context, ApiAnswer.Refusal(refusal));
            return;
        }

        if (fault.IsSilent)
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        context.Abort();
    }

    /// <summary>Reads on past the limit, within reason, so that the sender gets to see the answer.</summary>
    private static async Task<(byte[] Body, bool TooLarge)> ReadBodyAsync(HttpContext context)
    {
        using var buffer = new MemoryStream();
        var chunk = new byte[64 * 1024];
        var total = 0L;
        int read;
        while (total < MostRead && (read = await context.Request.Body.ReadAsync(chunk, context.RequestAborted)) > 0)
        {
            total += read;
            if (total <= BodyLimit)
            {
                buffer.Write(chunk, 0, read);
            }
        }

        return total > BodyLimit ? ([], true) : (buffer.ToArray(), false);
    }

    private static async Task SendAsync(HttpContext context, ApiAnswer answer)
    {
        if (answer.Upgrade is { } upgrade)
        {
            await upgrade(context, context.RequestAborted);
            return;
        }

        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = answer.ContentType;
        context.Response.Headers.CacheControl = "no-cache, private";
        foreach (var warning in answer.Warnings)
        {
            var quoted = warning.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
            context.Response.Headers.Append("Warning", $"299 - \"{quoted}\"");
        }

        if (answer.RetryAfterSeconds is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString();
        }

        if (answer.Stream is { } stream)
        {
            await stream(context.Response, context.RequestAborted);
        }
        else
        {
            context.Response.ContentLength = answer.Content.Length;
            await context.Response.Body.WriteAsync(answer.Content, context.RequestAborted);
        }
    }
}
