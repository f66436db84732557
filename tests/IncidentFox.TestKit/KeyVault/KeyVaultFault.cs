using Microsoft.AspNetCore.Http;

namespace IncidentFox.TestKit.KeyVault;

/// <summary>Something that goes wrong at the vault.</summary>
public sealed class KeyVaultFault
{
    private readonly Func<HttpContext, CancellationToken, Task<KeyVaultAnswer>> _act;

    private KeyVaultFault(Func<HttpContext, CancellationToken, Task<KeyVaultAnswer>> act) => _act = act;

    public static KeyVaultFault ForbiddenByRbac { get; } = Answer(KeyVaultAnswer.Error(
        403, "Forbidden", "Caller is not authorized to perform action on resource.\r\nCaller: appid=app;oid=oid", "ForbiddenByRbac"));

    public static KeyVaultFault ForbiddenByFirewall { get; } = Answer(KeyVaultAnswer.Error(
        403, "Forbidden", "Client address is not authorized and caller is not a trusted service.\r\nClient address: 203.0.113.7", "ForbiddenByFirewall"));

    public static KeyVaultFault Unauthorized { get; } = Answer(KeyVaultAnswer.BadToken);

    public static KeyVaultFault InternalError { get; } = Answer(KeyVaultAnswer.Error(500, "InternalServerError", "An internal error occurred."));

    /// <summary>Something else answers in the vault's place.</summary>
    public static KeyVaultFault Garbage { get; } = Answer(new KeyVaultAnswer(200, "<html>captive portal</html>") { ContentType = "text/html" });

    /// <summary>JSON, but not what the service writes.</summary>
    public static KeyVaultFault WrongShape { get; } = Answer(new KeyVaultAnswer(200, """{"value":5,"id":"https://elsewhere.example/secrets/a/b"}"""));

    /// <summary>The connection is cut.</summary>
    public static KeyVaultFault Abort { get; } = new(static (context, _) =>
    {
        context.Abort();
        return Task.FromResult(KeyVaultAnswer.WrongHost);
    });

    /// <summary>No answer until the client gives up.</summary>
    public static KeyVaultFault Hang { get; } = new(static async (context, stopping) =>
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        await Task.Delay(Timeout.Infinite, either.Token).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return KeyVaultAnswer.WrongHost;
    });

    /// <summary>429, with or without the header that says when to come back.</summary>
    public static KeyVaultFault Throttled(string? retryAfter = null)
    {
        var answer = KeyVaultAnswer.Error(429, "Throttled", "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached");
        return Answer(answer with { RetryAfter = retryAfter });
    }

    /// <summary>503 with the header that says when to come back.</summary>
    public static KeyVaultFault Busy(string retryAfter) => Answer(KeyVaultAnswer.Error(503, "ServiceUnavailable", "The service is busy.") with { RetryAfter = retryAfter });

    internal Task<KeyVaultAnswer> ActAsync(HttpContext context, CancellationToken stopping) => _act(context, stopping);

    private static KeyVaultFault Answer(KeyVaultAnswer answer) => new((_, _) => Task.FromResult(answer));
}
