using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;

namespace IncidentFox.Gateway.Injection.Minting;

/// <summary>Writes an audit row for every token that is minted, before anybody gets it.</summary>
public sealed class MintAudit(AuditLog audit) : IMintObserver
{
    /// <inheritdoc />
    public async ValueTask MintedAsync(MintEvent minted, CancellationToken cancellationToken) => await audit.AppendAsync(new AuditEvent
    {
        EventType = AuditEventTypes.TokenMinted,
        OrgId = minted.Caller.Org.Value,
        TeamId = minted.Caller.Team.Value,
        UserId = minted.Caller.UserId,
        Status = minted.Problem is null ? "success" : "error",
        DurationMs = (long)minted.Duration.TotalMilliseconds,
        InvestigationId = minted.Caller.Investigation.Value,
        ApprovalId = minted.Caller.Approval?.Value,
        SandboxId = minted.Caller.Sandbox?.Value,
        CorrelationId = minted.Caller.CorrelationId,
        Details = new JsonObject
        {
            ["integration"] = minted.Integration,
            ["scheme"] = minted.Scheme,
            ["reference"] = minted.Reference,
            ["cause"] = minted.Refused ? "refused" : "needed",
            ["life_seconds"] = minted.Life is { } life ? (long)life.TotalSeconds : null,
            ["problem"] = minted.Problem,
        },
    }, cancellationToken);
}
