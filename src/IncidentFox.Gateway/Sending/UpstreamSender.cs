using IncidentFox.Gateway.Injection;
using IncidentFox.Gateway.Injection.Minting;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Scrubbing;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.Sending;

/// <summary>
/// Sends what rules built, live and approved calls alike: credential in, request out, answer bounded and scrubbed. When the target
/// refuses the credential (401, or as its integration says), it is fetched anew and, if it is another one now, the request is sent once more: a target that does
/// not know who asks has not acted.
/// </summary>
public sealed class UpstreamSender : IUpstreamSender, IDisposable
{
    private readonly CredentialSource _credentials;
    private readonly TimeProvider _time;
    private readonly ILogger<UpstreamSender> _logger;
    private readonly UpstreamPools _pools;
    private readonly TokenMint _mint;
    private readonly Injectors _injectors;
    private readonly PatternCache _patterns;
    private readonly TimeLimits _limits;

    /// <summary>Normally made by <see cref="SendingModule.AddSending"/>.</summary>
    public UpstreamSender(CredentialSource credentials, IHostResolver resolver, IMintObserver minted, TimeProvider time, ILogger<UpstreamSender> logger)
    {
        (_credentials, _time, _logger) = (credentials, time, logger);
        _pools = new(resolver, time);
        _patterns = new(time);
        _limits = new(time);
        _mint = new(minted, time);
        _injectors = new(_mint, new MintClient(_pools), time);
    }

    /// <inheritdoc />
    public async Task<UpstreamResult> SendAsync(OutgoingRequest request, SendContext context, CancellationToken cancellationToken)
    {
        var auth = request.Integration.Auth;
        var started = _time.GetTimestamp();
        var purpose = context.For(request.Integration.Name);
        var (credential, problem) = await _credentials.GetAsync(auth, request.UseWriteCredential, fresh: false, purpose, cancellationToken);
        if (credential is null)
            return NoCredential(request, context, problem);
        var secrets = new List<string>();
        var (result, injected) = await SendOnceAsync(request, context, credential, null, secrets, started, cancellationToken);
        if (auth.Scheme == AuthScheme.None)
            return result;
        (var refused, result) = await CredentialRefusal.JudgeAsync(result, request.Integration.Refusal, cancellationToken);
        if (!refused)
            return result;

        var (renewed, _) = await _credentials.GetAsync(auth, request.UseWriteCredential, fresh: true, purpose, cancellationToken);
        if (renewed is null)
            return CredentialRefused(request, context);
        (result, _) = await SendOnceAsync(request, context, renewed, injected, secrets, started, cancellationToken);
        (refused, result) = await CredentialRefusal.JudgeAsync(result, request.Integration.Refusal, cancellationToken);
        return refused ? CredentialRefused(request, context) : result;
    }

    private async Task<(UpstreamResult Result, Injected Injected)> SendOnceAsync(
        OutgoingRequest request, SendContext context, CredentialSlots credential, Injected? refused, List<string> secrets, long started, CancellationToken cancellationToken)
    {
        using var message = OutgoingMessage.Create(request);
        var limit = request.Integration.Limits.Timeout;
        var injected = await _injectors.For(request.Integration.Auth.Scheme).InjectAsync(new InjectionContext
        {
            Message = message, Body = request.Body, Integration = request.Integration, Write = request.UseWriteCredential, Secrets = credential, Caller = context,
            Left = limit - _time.GetElapsedTime(started), Refused = refused,
        }, cancellationToken);
        if (injected.Problem is { } problem)
            return (NoCredential(request, context, problem), injected);
        if (!injected.Secrets.All(SecretPatterns.CanHold) || !injected.OneTime.All(SecretPatterns.CanHold))
            return (NoCredential(request, context, $"it is shorter than {SecretPatterns.Shortest} bytes or longer than {SecretPatterns.Longest}, so that answers can't be searched for it"), injected);
        if (refused is { } before && injected.IsSameAs(before))
            return (CredentialRefused(request, context), injected);
        // Those of the first try stay: its answer may come back with the second.
        secrets.AddRange(injected.Secrets);
        secrets.AddRange(injected.OneTime);
        var exchange = new UpstreamExchange(request, context, injected.Tls, _pools, _patterns, _limits, _time, limit - _time.GetElapsedTime(started), cancellationToken);
        var result = await exchange.SendAsync(message, secrets);
        if (result is UpstreamResult.Failed failed)
            Log.Failed(_logger, request.Integration.Name, request.Call.Tool, failed.Code, exchange.Cause, context.CorrelationId);
        return (result, injected);
    }

    private UpstreamResult.Failed NoCredential(OutgoingRequest request, SendContext context, string? problem)
    {
        Log.NoCredential(_logger, request.Integration.Name, request.Integration.Auth.ReferenceFor(request.UseWriteCredential), problem, context.CorrelationId);
        return new("credential_unavailable",
            $"The gateway has no usable credential for {request.Integration.Name} ({Kind(request)}), so nothing was sent. The gateway's log says why; an admin can mend it.",
            mayHaveRun: false);
    }

    private UpstreamResult.Failed CredentialRefused(OutgoingRequest request, SendContext context)
    {
        Log.CredentialRefused(_logger, request.Integration.Name, request.Integration.Auth.ReferenceFor(request.UseWriteCredential), context.CorrelationId);
        return new("credential_refused",
            $"{request.Integration.Name} refuses the gateway's credential ({Kind(request)}), also after its store (and where there is one, its token endpoint) was asked again. It did not act on the request; an admin must renew the credential.",
            mayHaveRun: false);
    }

    private static string Kind(OutgoingRequest request) => request.UseWriteCredential ? "the one for writes" : "the one for reads";

    /// <summary>Closes idle connections, forgets minted tokens and what to look for.</summary>
    public void Dispose()
    {
        _mint.Dispose();
        _pools.Dispose();
        _patterns.Dispose();
        _limits.Dispose();
    }
}

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "No usable credential for {Integration} ({Reference}): {Problem} ({CorrelationId})")]
    public static partial void NoCredential(ILogger logger, string integration, string reference, string? problem, string correlationId);

    [LoggerMessage(2, LogLevel.Error, "{Integration} refuses the credential {Reference}, also after its store was asked again ({CorrelationId})")]
    public static partial void CredentialRefused(ILogger logger, string integration, string reference, string correlationId);

    [LoggerMessage(3, LogLevel.Warning, "{Integration} {Tool}: {Code}, {Cause} ({CorrelationId})")]
    public static partial void Failed(ILogger logger, string integration, string tool, string code, string? cause, string correlationId);
}
