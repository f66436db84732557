using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Injection;

/// <summary>Writes an audit row for every question to a secret store, before anybody gets the answer: a fetch that can't be recorded is not used.</summary>
public sealed class SecretAudit(AuditLog audit) : ISecretObserver
{
    /// <inheritdoc />
    public async ValueTask FetchedAsync(SecretFetch fetch, CancellationToken cancellationToken) => await audit.AppendAsync(new AuditEvent
    {
        EventType = AuditEventTypes.SecretAccessed,
        UserId = "system",
        Status = fetch.Outcome == SecretOutcome.Found ? "success" : "error",
        DurationMs = (long)fetch.Duration.TotalMilliseconds,
        Details = new JsonObject
        {
            ["reference"] = fetch.Reference.ToString(),
            ["version"] = fetch.Version,
            ["outcome"] = fetch.Outcome.ToString(),
            ["cause"] = fetch.Cause.ToString(),
        },
    }, cancellationToken);
}
