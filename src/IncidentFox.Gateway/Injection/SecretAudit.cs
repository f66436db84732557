using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Injection;

/// <summary>Writes an audit row for every question to a secret store, before anybody gets the answer: a fetch that can't be recorded is not used.</summary>
public sealed class SecretAudit(AuditLog audit) : ISecretObserver
{
    /// <inheritdoc />
    public async ValueTask FetchedAsync(SecretFetch fetch, CancellationToken cancellationToken)
    {
        GatewayMetrics.Fetched(fetch);
        await audit.AppendAsync(EventOf(fetch), cancellationToken);
    }

    private static AuditEvent EventOf(SecretFetch fetch) => new()
    {
        EventType = AuditEventTypes.SecretAccessed,
        OrgId = fetch.Purpose?.Org,
        TeamId = fetch.Purpose?.Team,
        UserId = fetch.Purpose?.User ?? "system",
        InvestigationId = fetch.Purpose?.Investigation,
        SandboxId = fetch.Purpose?.Sandbox,
        ApprovalId = fetch.Purpose?.Approval,
        CorrelationId = fetch.Purpose?.CorrelationId,
        Status = fetch.Cause == SecretFetchCause.Reserved ? "denied" : fetch.Outcome == SecretOutcome.Found ? "success" : "error",
        DurationMs = (long)fetch.Duration.TotalMilliseconds,
        Details = new JsonObject
        {
            ["reference"] = fetch.Reference.ToString(),
            ["version"] = fetch.Version,
            ["outcome"] = fetch.Outcome.ToString(),
            ["cause"] = fetch.Cause.ToString(),
            ["integration"] = fetch.Purpose?.Integration,
        },
    };
}
