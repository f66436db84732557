using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using Npgsql;

namespace IncidentFox.Core.Approvals;

// The audit rows of what people do to an approval.
internal static class ApprovalTrail
{
    public static async Task<VoteResult> RefuseAsync(
        AuditLog audit, NpgsqlConnection connection, ApprovalId id, ApprovalRow? row, Principal? voter, string identity, string decision, string? reason,
        CancellationToken ct)
    {
        await audit.AppendAsync(connection, new AuditEvent
        {
            EventType = AuditEventTypes.ApprovalRefused,
            OrgId = row?.OrgId,
            TeamId = row?.TeamId,
            UserId = voter?.AuditName ?? identity,
            Tool = row?.Tool,
            Status = "denied",
            InvestigationId = row?.InvestigationId,
            ApprovalId = id.Value,
            Details = new JsonObject { ["decision"] = decision, ["identity"] = identity, ["reason"] = reason },
        }, ct);
        return new VoteResult(false, reason ?? "This is refused.");
    }

    public static AuditEvent Event(ApprovalRow row, string type, string user, string status, JsonObject details) => new()
    {
        EventType = type,
        OrgId = row.OrgId,
        TeamId = row.TeamId,
        UserId = user,
        Tool = row.Tool,
        Status = status,
        InvestigationId = row.InvestigationId,
        ApprovalId = row.Id,
        Details = details,
    };
}
