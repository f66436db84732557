using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>
/// Audit rows of what a tunnel never became: no request, so no call. A sandbox that tries without end gets so many rows and no more; refused it is all the same.
/// </summary>
internal sealed class ProxyTrail(AuditBatch audit)
{
    /// <summary>Most rows of one sandbox.</summary>
    public const int MostRows = 200;

    private readonly ConcurrentDictionary<SandboxId, int> _rows = new();

    /// <summary>Writes down that nothing was let through.</summary>
    public async Task<AuditOutcome> RefusedAsync(SandboxSession session, string authority, string code, string reason, string correlationId, bool isOver = false)
    {
        var row = _rows.AddOrUpdate(session.Sandbox, 1, (_, n) => Math.Min(n + 1, MostRows + 1));
        if (row > MostRows)
            return AuditOutcome.Committed;
        var details = new JsonObject { ["code"] = code, ["reason"] = reason, ["method"] = "CONNECT", ["authority"] = authority };
        if (row == MostRows)
            details["last_row"] = $"This sandbox was refused {MostRows} times at the proxy door; further refusals are not written down.";
        return await audit.CommitAsync(new AuditEvent
        {
            EventType = AuditEventTypes.ToolRefused,
            OrgId = session.Resource.Org.Value,
            TeamId = session.Resource.Team.Value,
            UserId = session.UserId,
            Status = "denied",
            InvestigationId = session.Investigation.Value,
            SandboxId = session.Sandbox.Value,
            CorrelationId = correlationId,
            Details = details,
        }, isOver ? null : session);
    }

    /// <summary>Forgets a sandbox that is over.</summary>
    public void Forget(SandboxId sandbox) => _rows.TryRemove(sandbox, out _);
}
