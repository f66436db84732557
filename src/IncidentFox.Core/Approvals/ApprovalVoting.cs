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

    private const string NoSuch = "This approval does not exist.";

    /// <summary>Counts one person's vote to approve. The same person twice is one vote; who took theirs back may give it again.</summary>
    public Task<VoteResult> ApproveAsync(
        ApprovalId id, Principal? voter, string identity, CancellationToken cancellationToken, string? reason = null) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var (row, judgement) = await JudgeAsync(connection, id, voter, denying: false, ct);
            if (row is null || !judgement.Accepted)
                return await ApprovalTrail.RefuseAsync(audit, connection, id, row, voter, identity, "approve", judgement.Reason, ct);
            var kept = Kept(reason);
            var counted = await connection.ExecuteAsync(new CommandDefinition(
                """
                insert into app.approval_votes as v (approval_id, person_id, identity, reason) values (@Id, @Person, @identity, @kept)
                on conflict (approval_id, person_id) do update
                   set at = app.clock(), identity = excluded.identity, reason = excluded.reason, withdrawn_at = null
                 where v.withdrawn_at is not null
                """, new { row.Id, Person = voter!.Person.Value, identity = StorableText.Of(identity, MaxReason), kept }, cancellationToken: ct));
            if (counted == 0)
                return new VoteResult(true, "Your approval was already counted.");
            var details = new JsonObject { ["decision"] = "approve", ["identity"] = identity };
            if (kept is not null)
                details["reason"] = kept;
            await audit.AppendAsync(connection, ApprovalTrail.Event(row, AuditEventTypes.ApprovalVoted, voter.AuditName, "success", details), ct);
            return new VoteResult(true, "Your approval counts.");
        }, cancellationToken);

    /// <summary>Takes one's own vote back, while people are still asked.</summary>
    public Task<VoteResult> WithdrawAsync(ApprovalId id, Principal? voter, string identity, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var row = await ApprovalRow.LockAsync(connection, id, ct);
            var judgement = row is null ? VoteJudgement.Refuse(NoSuch) : ApprovalRules.JudgeWithdrawal(row.Terms, row.Now);
            if (row is null || voter is null || !judgement.Accepted)
                return await ApprovalTrail.RefuseAsync(audit, connection, id, row, voter, identity, "withdraw", judgement.Reason ?? "You have no approval here.", ct);
            var withdrawn = await connection.ExecuteAsync(new CommandDefinition(
                "update app.approval_votes set withdrawn_at = app.clock() where approval_id = @Id and person_id = @Person and withdrawn_at is null",
                new { row.Id, Person = voter.Person.Value }, cancellationToken: ct));
            if (withdrawn == 0)
                return await ApprovalTrail.RefuseAsync(audit, connection, id, row, voter, identity, "withdraw", "You have no approval here that could be taken back.", ct);
            await audit.AppendAsync(connection, ApprovalTrail.Event(row, AuditEventTypes.ApprovalVoteWithdrawn, voter.AuditName, "success",
                new JsonObject { ["decision"] = "withdraw", ["identity"] = identity }), ct);
            return new VoteResult(true, "Your approval does not count any more.");
        }, cancellationToken);

    /// <summary>Calls it off: who asked for it does not want it any more. Nothing runs.</summary>
    public Task<VoteResult> CancelAsync(ApprovalId id, Principal? requester, string identity, string reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var (row, voter, requesters) = await ReadAsync(connection, id, requester, ct);
            var judgement = row is null ? VoteJudgement.Refuse(NoSuch) : ApprovalRules.JudgeCancel(row.Terms, voter, requesters, row.Now);
            if (row is null || !judgement.Accepted)
                return await ApprovalTrail.RefuseAsync(audit, connection, id, row, requester, identity, "cancel", judgement.Reason, ct);
            var kept = Kept(reason);
            await connection.ExecuteAsync(new CommandDefinition(
                """
                update app.approvals set status = 'cancelled', decided_at = app.clock(), decided_by = @Person, decision_reason = @kept, ended_at = app.clock()
                 where id = @Id and status in ('pending', 'approved')
                """, new { row.Id, Person = requester!.Person.Value, kept }, cancellationToken: ct));
            await audit.AppendAsync(connection, ApprovalTrail.Event(row, AuditEventTypes.ApprovalCancelled, requester.AuditName, "denied",
                new JsonObject { ["decision"] = "cancel", ["identity"] = identity, ["reason"] = kept }), ct);
            return new VoteResult(true, "Called off; nothing will run.");
        }, cancellationToken);

    /// <summary>Denies. Deny wins, also over an approval that was granted and has not started.</summary>
    public Task<VoteResult> DenyAsync(ApprovalId id, Principal? voter, string identity, string reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var (row, judgement) = await JudgeAsync(connection, id, voter, denying: true, ct);
            if (row is null || !judgement.Accepted)
                return await ApprovalTrail.RefuseAsync(audit, connection, id, row, voter, identity, "deny", judgement.Reason, ct);
            var kept = StorableText.Of(reason, MaxReason);
            await connection.ExecuteAsync(new CommandDefinition(
                """
                update app.approvals set status = 'denied', decided_at = app.clock(), decided_by = @Person, decision_reason = @kept, ended_at = app.clock()
                 where id = @Id and status in ('pending', 'approved')
                """, new { row.Id, Person = voter!.Person.Value, kept }, cancellationToken: ct));
            await audit.AppendAsync(connection, ApprovalTrail.Event(row, AuditEventTypes.ApprovalDenied, voter.AuditName, "denied",
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

    /// <summary>
    /// Cancels everything that has not started, of one team, of an organization, or of all: for a freeze, and after a restore.
    /// </summary>
    public Task<IReadOnlyList<ApprovalId>> CancelAllAsync(OrgId? org, TeamId? team, string byWhom, string reason, CancellationToken cancellationToken)
    {
        if (team is not null && org is null)
            throw new ArgumentException("A team belongs to an organization: name both.", nameof(org));
        var kept = StorableText.Of(reason, MaxReason);
        return EndAsync(
            """
            update app.approvals a set status = 'cancelled', decided_at = app.clock(), ended_at = app.clock(), decision_reason = @kept
             where a.status in ('pending', 'approved') and (@Org is null or a.org_id = @Org) and (@Team is null or a.team_id = @Team)
            """, new { Org = org?.Value, Team = team?.Value, kept }, AuditEventTypes.ApprovalCancelled, byWhom, "denied", kept, cancellationToken);
    }

    private Task<IReadOnlyList<ApprovalId>> EndAsync(
        string update, object parameters, string eventType, string user, string status, string reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync<IReadOnlyList<ApprovalId>>(async (connection, ct) =>
        {
            var rows = (await connection.QueryAsync<ApprovalRow>(new CommandDefinition(
                $"{update} returning {ApprovalRow.Columns}", parameters, cancellationToken: ct))).AsList();
            foreach (var row in rows)
                await audit.AppendAsync(connection, ApprovalTrail.Event(row, eventType, user, status, new JsonObject { ["reason"] = reason }), ct);
            return [.. rows.Select(r => new ApprovalId(r.Id))];
        }, cancellationToken);

    private static async Task<(ApprovalRow? Row, VoteJudgement Judgement)> JudgeAsync(
        NpgsqlConnection connection, ApprovalId id, Principal? voter, bool denying, CancellationToken ct)
    {
        var (row, current, requesters) = await ReadAsync(connection, id, voter, ct);
        return row is null ? (null, VoteJudgement.Refuse(NoSuch)) : (row, ApprovalRules.Judge(row.Terms, current, requesters, denying, row.Now));
    }

    private static async Task<(ApprovalRow? Row, Voter? Voter, IReadOnlyCollection<PersonId> Requesters)> ReadAsync(
        NpgsqlConnection connection, ApprovalId id, Principal? voter, CancellationToken ct)
    {
        var row = await ApprovalRow.LockAsync(connection, id, ct);
        if (row is null)
            return (null, null, []);
        // Read again under the lock: what the caller looked up may be minutes old.
        var current = voter is null ? null : await ApproverFacts.FindAsync(connection, voter.Person, ct);
        return (row, current, await ApprovalRow.RequestersAsync(connection, row.InvestigationId, ct));
    }

    private static string? Kept(string? reason) => string.IsNullOrWhiteSpace(reason) ? null : StorableText.Of(reason.Trim(), MaxReason);
}
