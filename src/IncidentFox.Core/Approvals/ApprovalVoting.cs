using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Approvals;

/// <summary>What became of a click.</summary>
/// <param name="Accepted">True when it counts.</param>
/// <param name="Message">What to tell the person.</param>
public readonly record struct VoteResult(bool Accepted, string Message);

/// <summary>
/// The people's side of an approval: votes, denials, time-outs, withdrawals. It can move an approval to denied, expired or cancelled only;
/// the database refuses it everything else.
/// </summary>
public sealed class ApprovalVoting(Database database, AuditLog audit)
{
    /// <summary>Longest reason kept, characters.</summary>
    public const int MaxReason = 500;

    /// <summary>Counts one person's vote to approve. The same person twice is one vote.</summary>
    public Task<VoteResult> ApproveAsync(ApprovalId id, Principal? voter, string identity, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var (row, judgement) = await JudgeAsync(connection, id, voter, denying: false, ct);
            if (row is null || !judgement.Accepted)
                return await RefuseAsync(connection, id, row, voter, identity, "approve", judgement.Reason, ct);
            var inserted = await connection.ExecuteAsync(new CommandDefinition(
                "insert into app.approval_votes (approval_id, person_id, identity) values (@Id, @Person, @identity) on conflict do nothing",
                new { row.Id, Person = voter!.Person.Value, identity = StorableText.Of(identity, MaxReason) }, cancellationToken: ct));
            if (inserted == 0)
                return new VoteResult(true, "Your approval was already counted.");
            await audit.AppendAsync(connection, Event(row, AuditEventTypes.ApprovalVoted, voter.AuditName, "success",
                new JsonObject { ["decision"] = "approve", ["identity"] = identity }), ct);
            return new VoteResult(true, "Your approval counts.");
        }, cancellationToken);

    /// <summary>Denies. Deny wins, also over an approval that was granted and has not started.</summary>
    public Task<VoteResult> DenyAsync(ApprovalId id, Principal? voter, string identity, string reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var (row, judgement) = await JudgeAsync(connection, id, voter, denying: true, ct);
            if (row is null || !judgement.Accepted)
                return await RefuseAsync(connection, id, row, voter, identity, "deny", judgement.Reason, ct);
            var kept = StorableText.Of(reason, MaxReason);
            await connection.ExecuteAsync(new CommandDefinition(
                """
                update app.approvals set status = 'denied', decided_at = app.clock(), decided_by = @Person, decision_reason = @kept, ended_at = app.clock()
                 where id = @Id and status in ('pending', 'approved')
                """, new { row.Id, Person = voter!.Person.Value, kept }, cancellationToken: ct));
            await audit.AppendAsync(connection, Event(row, AuditEventTypes.ApprovalDenied, voter.AuditName, "denied",
                new JsonObject { ["decision"] = "deny", ["identity"] = identity, ["reason"] = kept }), ct);
            return new VoteResult(true, "Denied; nothing will run.");
        }, cancellationToken);

    /// <summary>Expires whatever is past its deadline by the database's clock, in one statement. Returns what it expired.</summary>
    public Task<IReadOnlyList<ApprovalId>> ExpireDueAsync(CancellationToken cancellationToken) =>
        EndAsync(
            """
            update app.approvals a set status = 'expired', decided_at = app.clock(), ended_at = app.clock(), decision_reason = 'Nobody decided in time.'
             where a.status = 'pending' and a.expires_at <= app.clock()
            """, new { }, AuditEventTypes.ApprovalExpired, "system", "denied", "Nobody decided in time.", cancellationToken);

    /// <summary>Cancels what the investigation still has open and what has not started.</summary>
    public Task<IReadOnlyList<ApprovalId>> CancelForAsync(InvestigationId investigation, string byWhom, string reason, CancellationToken cancellationToken)
    {
        var kept = StorableText.Of(reason, MaxReason);
        return EndAsync(
            """
            update app.approvals a set status = 'cancelled', decided_at = app.clock(), ended_at = app.clock(), decision_reason = @kept
             where a.investigation_id = @Value and a.status in ('pending', 'approved')
            """, new { investigation.Value, kept }, AuditEventTypes.ApprovalCancelled, byWhom, "denied", kept, cancellationToken);
    }

    private Task<IReadOnlyList<ApprovalId>> EndAsync(
        string update, object parameters, string eventType, string user, string status, string reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync<IReadOnlyList<ApprovalId>>(async (connection, ct) =>
        {
            var rows = (await connection.QueryAsync<ApprovalRow>(new CommandDefinition(
                $"{update} returning {ApprovalRow.Columns}", parameters, cancellationToken: ct))).AsList();
            foreach (var row in rows)
                await audit.AppendAsync(connection, Event(row, eventType, user, status, new JsonObject { ["reason"] = reason }), ct);
            return [.. rows.Select(r => new ApprovalId(r.Id))];
        }, cancellationToken);

    private static async Task<(ApprovalRow? Row, VoteJudgement Judgement)> JudgeAsync(
        NpgsqlConnection connection, ApprovalId id, Principal? voter, bool denying, CancellationToken ct)
    {
        var row = await ApprovalRow.LockAsync(connection, id, ct);
        if (row is null)
            return (null, VoteJudgement.Refuse("This approval does not exist."));
        // Read again under the lock: what the caller looked up may be minutes old.
        var current = voter is null ? null : await IdentityStore.FindAsync(connection, voter.Person, ct);
        var requesters = await ApprovalRow.RequestersAsync(connection, row.InvestigationId, ct);
        return (row, ApprovalRules.Judge(row.Terms, current, requesters, denying, row.Now));
    }

    private async Task<VoteResult> RefuseAsync(
        NpgsqlConnection connection, ApprovalId id, ApprovalRow? row, Principal? voter, string identity, string decision, string? reason, CancellationToken ct)
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

    private static AuditEvent Event(ApprovalRow row, string type, string user, string status, JsonObject details) => new()
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
