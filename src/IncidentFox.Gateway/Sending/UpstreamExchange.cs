using System.Net;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using IncidentFox.Gateway.Injection.Certificates;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Scrubbing;

namespace IncidentFox.Gateway.Sending;

/// <summary>One request on its way and its answer: owns the time limit, the connection and the response until the answer is released.</summary>
internal sealed class UpstreamExchange(
    OutgoingRequest request, SendContext context, TlsIdentity? identity, UpstreamPools pools, PatternCache patterns, TimeLimits limits, TimeProvider time, TimeSpan left, CancellationToken caller)
{
    private CancellationTokenSource? _either;   // the time is up or the caller gave up
    private CancellationTokenRegistration _callerEnds;
    private UpstreamLease? _lease;
    private HttpResponseMessage? _response;
    private CancellationToken _firstByte;

    /// <summary>For the log: what kind of exception, never its words, which may be the target's.</summary>
    public string? Cause { get; private set; }

    private string Name => request.Integration.Name;

    // A read changes nothing, so only for a write it is known exactly.
    private bool MayHaveRun => _lease?.Mark is { } mark ? mark.MayHaveReached : _lease is not null;

    public async Task<UpstreamResult> SendAsync(HttpRequestMessage message, IReadOnlyList<string> secrets)
    {
        var answered = false;
        try
        {
            _either = limits.Begin(left);
            _callerEnds = caller.UnsafeRegister(static either => ((CancellationTokenSource)either!).Cancel(), _either);
            Ends = _either.Token;
            using var first = request.Integration.Limits.FirstByteTimeout is { } patience ? new CancellationTokenSource(patience, time) : null;
            using var firstByte = first is null ? null : CancellationTokenSource.CreateLinkedTokenSource(_either.Token, first.Token);
            _firstByte = first?.Token ?? default;
            _lease = request.UseWriteCredential ? pools.ForOneWrite(request.Integration, identity) : pools.Rent(request.Integration, context.Team, identity);
            _response = await _lease.Invoker.SendAsync(message, firstByte?.Token ?? Ends);
            var result = request.Transport == RuleTransport.KubernetesExec && (_response.StatusCode == HttpStatusCode.SwitchingProtocols || _response.IsSuccessStatusCode)
                ? await KubernetesExec.RunAsync(message, _response, request.Integration, patterns.Of(secrets), this)
                : await UpstreamAnswer.OpenAsync(_response, request.Integration, patterns.Of(secrets), this);
            answered = result is UpstreamResult.Response;
            return result;
        }
        catch (Exception e) when (caller.IsCancellationRequested && e is HttpRequestException or IOException)
        {
            throw new OperationCanceledException("Nobody waits for the answer any more.", e, caller);
        }
        catch (Exception e) when (!caller.IsCancellationRequested && Describe(e) is { } failed)
        {
            Cause = $"{e.GetType().Name}{(e.InnerException is { } inner ? "/" + inner.GetType().Name : "")}";
            return failed;
        }
        finally
        {
            if (!answered)
                await ReleaseAsync();
        }
    }

    /// <summary>Ends when the caller gives up or the time is up.</summary>
    public CancellationToken Ends { get; private set; }

    /// <summary>Whether <see cref="Ends"/> does when this token does.</summary>
    public bool EndsWith(CancellationToken token) => token == caller || !token.CanBeCanceled;

    /// <summary>The caller's own patience ended, not the time limit.</summary>
    public bool IsCancelledByCaller => caller.IsCancellationRequested;

    public ValueTask ReleaseAsync()
    {
        _response?.Dispose();
        _lease?.Dispose();
        _callerEnds.Dispose();   // and if the caller gives up at this moment, until that is over
        if (Interlocked.Exchange(ref _either, null) is { } either)
        {
            Ends = new CancellationToken(canceled: true);
            limits.End(either);
        }
        return ValueTask.CompletedTask;
    }

    public string TimeoutSentence => $"{Name} did not finish its answer within {request.Integration.Limits.Timeout.TotalSeconds:0.#} s.";

    // Null: a bug, which is not for us to explain away.
    private UpstreamResult.Failed? Describe(Exception e)
    {
        if (Find<AddressRefusedException>(e) is { } refused)
            return new("address_refused", refused.Message + " Nothing was sent.", mayHaveRun: false);
        if (Ends.IsCancellationRequested && e is OperationCanceledException or HttpRequestException or IOException)
            return new("upstream_timeout", TimeoutSentence, MayHaveRun);
        if (_firstByte.IsCancellationRequested && e is OperationCanceledException or HttpRequestException or IOException)
            return new("upstream_timeout", $"{Name} did not begin its answer within {request.Integration.Limits.FirstByteTimeout!.Value.TotalSeconds:0.#} s.", MayHaveRun);
        // TLS can fail after a write was sent, too: then it is no longer certain that nothing ran.
        var sent = _lease?.Mark is { MayHaveReached: true };
        if (!sent && (Find<AuthenticationException>(e) is not null || e is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }))
        {
            var either = identity?.Certificate is null ? "" : " or it refuses the gateway's client certificate,";
            return new("upstream_untrusted", $"The gateway does not trust the certificate of {Name},{either} or no version of TLS suits both, so nothing was sent. An admin must look at the integration's ca_file.", mayHaveRun: false);
        }
        if (_lease is null && e is CryptographicException or IOException or UnauthorizedAccessException)
            return new("upstream_untrusted", $"The file with the certificate authorities of {Name} can't be read, so nothing was sent. An admin must look at the integration's ca_file.", mayHaveRun: false);
        if (e is WebSocketException)
            return new("upstream_unreachable", $"{Name} broke off before it said how the command ended.", mayHaveRun: true);
        // The handler's own time limit for connecting shows as a cancellation.
        var connecting = e is OperationCanceledException or HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError };
        if (connecting && !sent)
            return new("upstream_unreachable", $"{Name} can't be reached: no connection to it can be made. Nothing was sent.", mayHaveRun: false);
        if (e is HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.InvalidResponse })
            return new("response_refused", $"{Name} sent an answer that breaks the rules of HTTP or whose headers are too long.", MayHaveRun);
        return e is HttpRequestException or IOException
            ? new("upstream_unreachable", $"{Name} ended the connection before it answered.", MayHaveRun)
            : null;
    }

    private static T? Find<T>(Exception? e) where T : Exception
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is T found)
                return found;
        }
        return null;
    }
}
