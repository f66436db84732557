using IncidentFox.Core;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Sending;

/// <summary>Sends requests to integrations: adds the credential, checks addresses, bounds and scrubs what comes back.</summary>
public interface IUpstreamSender
{
    /// <summary>Sends once. An expected failure is a result; only cancellation and bugs throw.</summary>
    Task<UpstreamResult> SendAsync(OutgoingRequest request, SendContext context, CancellationToken cancellationToken);
}

/// <summary>On whose behalf, for the audit rows of secret use and for log lines.</summary>
public sealed record SendContext
{
    /// <summary>Organization.</summary>
    public required OrgId Org { get; init; }

    /// <summary>Team.</summary>
    public required TeamId Team { get; init; }

    /// <summary>Investigation.</summary>
    public required InvestigationId Investigation { get; init; }

    /// <summary>The sandbox that asked; null when an approved call runs.</summary>
    public SandboxId? Sandbox { get; init; }

    /// <summary>The approval that runs; null otherwise.</summary>
    public ApprovalId? Approval { get; init; }

    /// <summary>For the audit trail: on whose behalf.</summary>
    public required string UserId { get; init; }

    /// <summary>Ties the audit rows and log lines of one call together.</summary>
    public required string CorrelationId { get; init; }

    /// <summary>The same, for who gives secrets out.</summary>
    public SecretPurpose For(string integration) => new()
    {
        Org = Org.Value, Team = Team.Value, Investigation = Investigation.Value, Sandbox = Sandbox?.Value, Approval = Approval?.Value,
        Integration = integration, User = UserId, CorrelationId = CorrelationId,
    };
}

/// <summary>What came of sending.</summary>
public abstract class UpstreamResult
{
    private UpstreamResult() { }

    /// <summary>The target answered. Dispose it when its body was read or is not wanted.</summary>
    public sealed class Response(int status, IReadOnlyList<(string Name, string Value)> headers, string? contentType, Stream body, Func<ValueTask> release)
        : UpstreamResult, IAsyncDisposable
    {
        private Action? _then;

        /// <summary>The target's status.</summary>
        public int Status { get; } = status;

        /// <summary>Those headers that may be passed on, scrubbed; content type and length are not among them.</summary>
        public IReadOnlyList<(string Name, string Value)> Headers { get; } = headers;

        /// <summary>Of the body; null when the target did not say.</summary>
        public string? ContentType { get; } = contentType;

        /// <summary>Bounded and scrubbed. Reading throws <see cref="UpstreamBodyException"/> when the rest can't be passed on.</summary>
        public Stream Body { get; } = body;

        /// <inheritdoc />
        public async ValueTask DisposeAsync()
        {
            try
            {
                await release();
            }
            finally
            {
                Interlocked.Exchange(ref _then, null)?.Invoke();
            }
        }

        /// <summary>The same answer; something more happens when it is released, once.</summary>
        public Response OnRelease(Action then)
        {
            _then += then;
            return this;
        }
    }

    /// <summary>There is no answer to pass on.</summary>
    /// <param name="code"><c>credential_unavailable, upstream_unreachable, upstream_timeout, response_refused, address_refused, integration_busy, circuit_open, …</c>.</param>
    /// <param name="sentence">For the agent and for people; never the target's own words.</param>
    /// <param name="mayHaveRun">True when the request may have reached the target: a write is <c>unknown</c> then, not <c>failed</c>.</param>
    public sealed class Failed(string code, string sentence, bool mayHaveRun) : UpstreamResult
    {
        /// <summary>Machine-readable.</summary>
        public string Code { get; } = code;

        /// <summary>One sentence.</summary>
        public string Sentence { get; } = sentence;

        /// <summary>Whether the target may have seen the request.</summary>
        public bool MayHaveRun { get; } = mayHaveRun;

        /// <summary>When it makes sense to try again; null: nobody knows.</summary>
        public TimeSpan? RetryAfter { get; init; }
    }
}

/// <summary>The rest of a body can't be passed on: too long, too slow, broken off, or not inspectable.</summary>
/// <param name="code">As <see cref="UpstreamResult.Failed.Code"/>.</param>
/// <param name="sentence">For the agent.</param>
public sealed class UpstreamBodyException(string code, string sentence) : IOException(sentence)
{
    /// <summary>Machine-readable.</summary>
    public string Code { get; } = code;
}
