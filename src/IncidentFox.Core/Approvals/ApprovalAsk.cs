using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Approvals;

// Asking people, in one transaction. A team's askers take turns: what is counted here is true until the commit.
internal sealed class ApprovalAsk(AuditLog audit, ColumnCipher shared, ColumnCipher frozenCalls)
{
    // Who was told no does not ask the same at once again.
    public static readonly TimeSpan DeniedFor = TimeSpan.FromMinutes(10);

    public async Task<Asked> AskAsync(NpgsqlConnection connection, ApprovalRequest request, CancellationToken ct)
    {
        var digest = request.Frozen.Digest();
        await connection.ExecuteAsync(new CommandDefinition(
            "select pg_advisory_xact_lock(hashtextextended(@key, 0))", new { key = $"approvals:{request.Resource.Org}/{request.Resource.Team}" }, cancellationToken: ct));
        if (await OpenAsync(connection, request, digest, ct) is { } open)
            return open;
        if (await RefusedAsync(connection, request, digest, ct) is { } refusal)
            return new Asked(default, default, false, refusal);
        var id = ApprovalId.New();
        var asked = await InsertAsync(connection, request, id, digest, ct);
        await AuditAsync(connection, request, id, digest, ct);
        var requesters = await ApprovalRow.RequestersAsync(connection, request.Investigation.Value, ct);
        var terms = new ApprovalTerms(ApprovalState.Pending, asked.CreatedAt, asked.ExpiresAt, request.Resource, request.Workflow);
        var why = await Reachability.WhyNotAsync(connection, terms, requesters, request.Frozen.Call.Tool, ct);
        if (why is null)
            return new Asked(id, asked.ExpiresAt, false);
        await DenyAsync(connection, request, id, why, ct);
        return new Asked(id, asked.ExpiresAt, false, new AskRefusal("quorum_unreachable", why));
    }

    private static async Task<Asked?> OpenAsync(NpgsqlConnection connection, ApprovalRequest request, byte[] digest, CancellationToken ct)
    {
        var open = await connection.QuerySingleOrDefaultAsync<(Guid Id, DateTime ExpiresAt)>(new CommandDefinition(
            """
            select id, expires_at from app.approvals
             where investigation_id = @Value and digest = @digest and status in ('pending', 'approved', 'executing')
            """, new { request.Investigation.Value, digest }, cancellationToken: ct));
        return open.Id == Guid.Empty ? null : new Asked(new ApprovalId(open.Id), open.ExpiresAt, true);
    }

    private static async Task<AskRefusal?> RefusedAsync(NpgsqlConnection connection, ApprovalRequest request, byte[] digest, CancellationToken ct)
    {
        var (pending, denied) = await connection.QuerySingleAsync<(long Pending, bool Denied)>(new CommandDefinition(
            """
            select (select count(*) from app.approvals where org_id = @Org and team_id = @Team and status = 'pending' and expires_at > app.clock()),
                   exists (select 1 from app.approvals where org_id = @Org and team_id = @Team and status = 'denied' and digest = @digest
                              and decided_by is not null and decided_at > app.clock() - @DeniedFor)
            """, new { Org = request.Resource.Org.Value, Team = request.Resource.Team.Value, digest, DeniedFor }, cancellationToken: ct));
        if (denied)
        {
            return new AskRefusal("recently_denied",
                $"Somebody of the team denied exactly this less than {DeniedFor.TotalMinutes:0} minutes ago. Nobody is asked again so soon; do something else, or ask that person.");
        }
        return pending >= request.MaxPending
            ? new AskRefusal("too_many_pending",
                $"Team {request.Resource.Team} has {pending} actions waiting for a decision, and policy allows {request.MaxPending} (max_pending_per_team). Decide those first: /incidentfox-admin approvals lists them.")
            : null;
    }

    private async Task<(DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt)> InsertAsync(
        NpgsqlConnection connection, ApprovalRequest request, ApprovalId id, byte[] digest, CancellationToken ct)
    {
        var (created, expires) = await connection.QuerySingleAsync<(DateTime, DateTime)>(new CommandDefinition(
            """
            insert into app.approvals (id, org_id, team_id, investigation_id, tool, integration, digest, frozen, effect,
                                       required_approvers, approver_role, notify_channel, terms, created_at, expires_at)
            select @Id, @Org, @Team, @Investigation, @Tool, @Integration, @digest, @frozen, @effect,
                   @RequiredApprovers, @role, @NotifyChannel, @terms::jsonb, now, now + make_interval(secs => @seconds)
              from app.clock() as now
            returning created_at, expires_at
            """,
            new
            {
                Id = id.Value, Org = request.Resource.Org.Value, Team = request.Resource.Team.Value, Investigation = request.Investigation.Value,
                request.Frozen.Call.Tool, request.Frozen.Call.Integration, digest,
                frozen = frozenCalls.Encrypt(ApprovalRow.FrozenCell(id.Value), request.Frozen.ToJson().ToJsonString()),
                effect = shared.Encrypt(ApprovalRow.EffectCell(id.Value), JsonSerializer.Serialize(request.Effect)),
                request.Workflow.RequiredApprovers, role = request.Workflow.ApproverRole.Name(), request.Workflow.NotifyChannel,
                terms = request.Workflow.ToJson().ToJsonString(), seconds = (double)(request.Workflow.TimeoutMinutes * 60),
            }, cancellationToken: ct));
        return (created, expires);
    }

    private Task AuditAsync(NpgsqlConnection connection, ApprovalRequest request, ApprovalId id, byte[] digest, CancellationToken ct) =>
        audit.AppendAsync(connection, Event(request, id, AuditEventTypes.ApprovalRequested, "pending") with
        {
            UserId = request.UserId,
            Parameters = request.Frozen.Call.Parameters,
            Details = new JsonObject
            {
                ["digest"] = Convert.ToHexStringLower(digest),
                ["required_approvers"] = request.Workflow.RequiredApprovers,
                ["approver_role"] = request.Workflow.ApproverRole.Name(),
                ["timeout_minutes"] = request.Workflow.TimeoutMinutes,
                ["terms"] = request.Workflow.ToJson(),
            },
        }, ct);

    // Its card and its line in the thread tell people why.
    private async Task DenyAsync(NpgsqlConnection connection, ApprovalRequest request, ApprovalId id, string why, CancellationToken ct)
    {
        await connection.ExecuteAsync(new CommandDefinition(
            "update app.approvals set status = 'denied', decided_at = app.clock(), ended_at = app.clock(), decision_reason = @why where id = @Value",
            new { id.Value, why }, cancellationToken: ct));
        await audit.AppendAsync(connection, Event(request, id, AuditEventTypes.ApprovalDenied, "denied") with
        {
            UserId = "system",
            Details = new JsonObject { ["decision"] = "deny", ["code"] = "quorum_unreachable", ["reason"] = why },
        }, ct);
    }

    private static AuditEvent Event(ApprovalRequest request, ApprovalId id, string type, string status) => new()
    {
        EventType = type,
        OrgId = request.Resource.Org.Value,
        TeamId = request.Resource.Team.Value,
        Tool = request.Frozen.Call.Tool,
        Status = status,
        InvestigationId = request.Investigation.Value,
        ApprovalId = id.Value,
        SandboxId = request.Sandbox.Value,
        CorrelationId = request.CorrelationId,
    };
}
