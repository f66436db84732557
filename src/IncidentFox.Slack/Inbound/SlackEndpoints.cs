using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace IncidentFox.Slack.Inbound;

/// <summary>
/// The three addresses Slack posts to. Nothing of a request is parsed before its size, age and signature are known to be right.
/// </summary>
internal sealed partial class SlackEndpoints(
    SlackSignature signature,
    SlackDeliveries deliveries,
    RefusalReporter refusals,
    IServiceScopeFactory scopes,
    TimeProvider clock,
    ILogger<SlackEndpoints> log)
{
    private const string FormType = "application/x-www-form-urlencoded";
    private const string JsonType = "application/json";
    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(5);

    // Longer than the window on both sides of now, so that no request outlives the memory of it.
    private static readonly TimeSpan ReplayMemory = SlackSignature.Window * 2 + TimeSpan.FromMinutes(1);

    public Task CommandsAsync(HttpContext context) => HandleAsync(context, FormType, async (body, replayKey) =>
    {
        var fields = Form(body);
        if (fields.GetValueOrDefault("ssl_check") == "1")
        {
            return new DispatchOutcome(DispatchStatus.Done);
        }

        var command = SlackDeliveries.ParseCommand(fields.GetValueOrDefault);
        return await OnceAsync(replayKey, () => deliveries.CommandAsync(command, replayKey));
    });

    public Task InteractionsAsync(HttpContext context) => HandleAsync(context, FormType, async (body, replayKey) =>
    {
        if (!Form(body).TryGetValue("payload", out var json))
        {
            throw new MalformedPayloadException("payload is missing");
        }

        using var payload = JsonFields.Parse(json);
        return await OnceAsync(replayKey, () => deliveries.InteractionAsync(payload.RootElement, replayKey));
    });

    public Task EventsAsync(HttpContext context) => HandleAsync(context, JsonType, async (body, replayKey) =>
    {
        using var payload = JsonFields.Parse(body);
        var type = SlackDeliveries.Guarded(() => payload.RootElement.RequiredText("type"));
        switch (type)
        {
            case "url_verification":
                await AnswerChallengeAsync(context, payload.RootElement);
                return null;
            case "event_callback":
                return await OnceAsync(replayKey, () => deliveries.EventAsync(payload.RootElement, replayKey));
            case "app_rate_limited":
                LogRateLimited();
                return new DispatchOutcome(DispatchStatus.Done);
            default:
                throw new MalformedPayloadException("unknown event envelope");
        }
    });

    private async Task HandleAsync(HttpContext context, string contentType, Func<ReadOnlyMemory<byte>, string, Task<DispatchOutcome?>> handle)
    {
        try
        {
            var timestamp = Single(context.Request.Headers, SlackSignature.TimestampHeader);
            if (context.Request.ContentLength > BoundedBody.MaxBytes)
            {
                await RefuseAsync(context, StatusCodes.Status413PayloadTooLarge, SlackRefusalReasons.Oversized);
                return;
            }

            if (!signature.IsFresh(timestamp))
            {
                await RefuseAsync(context, StatusCodes.Status401Unauthorized, SlackRefusalReasons.Stale);
                return;
            }

            if (await ReadAsync(context) is not { } body)
            {
                return;
            }

            var claimed = Single(context.Request.Headers, SlackSignature.SignatureHeader);
            if (!signature.IsValid(timestamp!, body.Span, claimed))
            {
                await RefuseAsync(context, StatusCodes.Status401Unauthorized, SlackRefusalReasons.BadSignature);
                return;
            }

            if (!HasType(context.Request, contentType))
            {
                await RefuseAsync(context, StatusCodes.Status400BadRequest, SlackRefusalReasons.WrongContentType);
                return;
            }

            // A valid signature has one spelling per request but for the case of its digits.
            var replayKey = $"slack:request:{timestamp}:{claimed!.ToLowerInvariant()}";
            if (await handle(body, replayKey) is { } outcome)
            {
                await AnswerAsync(context, outcome);
            }
        }
        catch (MalformedPayloadException malformed)
        {
            LogMalformed(context.Request.Path, malformed.Message);
            await RefuseAsync(context, StatusCodes.Status400BadRequest, SlackRefusalReasons.Malformed);
        }
        catch (ReplayedException)
        {
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, SlackRefusalReasons.Replayed);
        }
        catch (LedgerUnavailableException unavailable)
        {
            LogLedgerFailed(unavailable);
            await WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "try again later");
        }
    }

    private async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpContext context)
    {
        using var limit = new CancellationTokenSource(ReadLimit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, context.RequestAborted);
        try
        {
            if (await BoundedBody.ReadAsync(context.Request, both.Token) is { } body)
            {
                return body;
            }

            await RefuseAsync(context, StatusCodes.Status413PayloadTooLarge, SlackRefusalReasons.Oversized);
        }
        catch (BadHttpRequestException bad)
        {
            var oversized = bad.StatusCode == StatusCodes.Status413PayloadTooLarge;
            await RefuseAsync(context, oversized ? bad.StatusCode : StatusCodes.Status400BadRequest, oversized ? SlackRefusalReasons.Oversized : SlackRefusalReasons.Malformed);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, SlackRefusalReasons.TooSlow);
        }

        return null;
    }

    /// <summary>The same bytes a second time are a replay, not a retry: Slack signs each retry anew.</summary>
    private async Task<DispatchOutcome?> OnceAsync(string replayKey, Func<Task<DispatchOutcome>> deliver)
    {
        bool first;
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var ledger = scope.ServiceProvider.GetRequiredService<ISlackRequestLedger>();
            using var limit = new CancellationTokenSource(SlackDispatcher.AnswerBudget, clock);
            first = await ledger.TryClaimAsync(replayKey, ReplayMemory, limit.Token);
        }
        catch (Exception exception)
        {
            throw new LedgerUnavailableException(exception);
        }

        return first ? await deliver() : throw new ReplayedException();
    }

    private static Task AnswerAsync(HttpContext context, DispatchOutcome outcome) => outcome.Status switch
    {
        DispatchStatus.Done => WriteReplyAsync(context, outcome.Reply),
        DispatchStatus.Duplicate => WriteAsync(context, StatusCodes.Status200OK, ""),

        // Slack repeats events, not commands and clicks: those are acknowledged, the person sees the result when it is there.
        DispatchStatus.StillRunning when !context.Request.Path.StartsWithSegments(SlackPaths.Events) => WriteAsync(context, StatusCodes.Status200OK, ""),
        DispatchStatus.Failed => WriteAsync(context, StatusCodes.Status500InternalServerError, "failed"),
        _ => WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "try again later"),
    };

    private static Task WriteReplyAsync(HttpContext context, SlackReply reply)
    {
        if (ReplyWriter.ToJson(reply) is not { } json)
        {
            return WriteAsync(context, StatusCodes.Status200OK, "");
        }

        context.Response.ContentType = "application/json; charset=utf-8";
        return context.Response.WriteAsync(json.ToJsonString(BlockKit.SlackJson.Options));
    }

    private static Task AnswerChallengeAsync(HttpContext context, JsonElement payload)
    {
        var challenge = SlackDeliveries.Guarded(() => payload.RequiredText("challenge"));
        return challenge.Length <= 512
            ? WriteAsync(context, StatusCodes.Status200OK, challenge)
            : throw new MalformedPayloadException("challenge is too long");
    }

    private async Task RefuseAsync(HttpContext context, int status, string reason)
    {
        await refusals.ReportAsync(context.Connection.RemoteIpAddress, context.Request.Path.Value ?? "", reason, CancellationToken.None);
        if (!context.RequestAborted.IsCancellationRequested)
        {
            await WriteAsync(context, status, reason);
        }
    }

    private static Task WriteAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.CacheControl = "no-store";
        return text.Length == 0 ? Task.CompletedTask : context.Response.WriteAsync(text, Encoding.UTF8);
    }

    private static IReadOnlyDictionary<string, string> Form(ReadOnlyMemory<byte> body) =>
        StrictForm.TryParse(body.Span, out var fields) ? fields : throw new MalformedPayloadException("not a well-formed form, or a key given twice");

    // Given twice, a header has no meaning that two programs would agree on.
    private static string? Single(IHeaderDictionary headers, string name) => headers[name] is { Count: 1 } one ? one[0] : null;

    private static bool HasType(HttpRequest request, string expected) =>
        request.Headers.ContentType.Count == 1 && request.Headers.ContentEncoding.Count == 0
        && MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals(expected, StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    private sealed class ReplayedException : Exception;

    private sealed class LedgerUnavailableException(Exception inner) : Exception(inner.Message, inner);

    [LoggerMessage(Level = LogLevel.Information, Message = "A signed request to {Path} was malformed: {What}")]
    private partial void LogMalformed(string path, string what);

    [LoggerMessage(Level = LogLevel.Error, Message = "The request ledger failed; the request was refused with 503")]
    private partial void LogLedgerFailed(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Slack limits the events it sends (app_rate_limited): some were dropped by Slack")]
    private partial void LogRateLimited();
}
