using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Approvals;

/// <summary>
/// An admin acts alone in an emergency, and another one looks at it afterwards. The gateway still judges it before anything runs, and a denial still wins.
/// </summary>
public sealed class BreakingGlass(Database database, AuditLog audit)
{
    /// <summary>What somebody is told who wants to review what they did themselves.</summary>
    public const string OwnReview = "You acted alone here, so another admin has to review it.";

    /// <summary>Acts alone; opens the review task in the same step. The reason is told to everybody.</summary>
    public Task<VoteResult> BreakAsync(ApprovalId id, Principal? admin, string identity, string reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var row = await ApprovalRow.LockAsync(connection, id, ct);
            var voter = admin is null ? null : await ApproverFacts.FindAsync(connection, admin.Person, ct);
            var judgement = row is null
                ? VoteJudgement.Refuse("This approval does not exist.")
                : ApprovalRules.JudgeBreakGlass(row.Terms, voter, await ApprovalRow.RequestersAsync(connection, row.InvestigationId, ct), row.Now);
            if (judgement.Accepted && string.IsNullOrWhiteSpace(reason))
                judgement = VoteJudgement.Refuse("Acting alone needs a reason: everybody is told.");
            if (row is null || !judgement.Accepted)
                return await ApprovalTrail.RefuseAsync(audit, connection, id, row, admin, identity, "break_glass", judgement.Reason, ct);
            var kept = StorableText.Of(reason.Trim(), ApprovalVoting.MaxReason);
            var broken = await connection.ExecuteAsync(new CommandDefinition(
                """
                insert into app.break_glass_reviews (approval_id, person_id, identity, reason) values (@Id, @Person, @identity, @kept)
                on conflict do nothing
                """,
                new { row.Id, Person = admin!.Person.Value, identity = StorableText.Of(identity, ApprovalVoting.MaxReason), kept }, cancellationToken: ct));
            if (broken == 0)
                return new VoteResult(true, "Somebody is acting alone on this already.");
            await audit.AppendAsync(connection, ApprovalTrail.Event(row, AuditEventTypes.ApprovalBreakGlass, admin.AuditName, "success",
                new JsonObject { ["decision"] = "break_glass", ["identity"] = identity, ["reason"] = kept }), ct);
            return new VoteResult(true, "You act alone: it runs now, everybody in the channel is told, and another admin has to review it.");
        }, cancellationToken);

    /// <summary>Closes the review: an admin of the team other than the one who acted.</summary>
    public Task<VoteResult> CloseAsync(ApprovalId id, Principal? admin, string identity, string note, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var row = await ApprovalRow.LockAsync(connection, id, ct);
            var task = row is null
                ? null
                : await connection.QuerySingleOrDefaultAsync<(Guid Person, bool Closed)?>(new CommandDefinition(
                    "select person_id, closed_at is not null from app.break_glass_reviews where approval_id = @Id", new { row.Id }, cancellationToken: ct));
            var current = admin is null ? null : await IdentityStore.FindAsync(connection, admin.Person, ct);
            var why = WhyNot(row, task, current, note);
            if (row is null || why is not null)
                return await ApprovalTrail.RefuseAsync(audit, connection, id, row, admin, identity, "close_review", why, ct);
            var kept = StorableText.Of(note.Trim(), ApprovalVoting.MaxReason);
            await connection.ExecuteAsync(new CommandDefinition(
                """
                update app.break_glass_reviews set closed_at = app.clock(), closed_by = @Person, close_note = @kept
                 where approval_id = @Id and closed_at is null
                """, new { row.Id, Person = admin!.Person.Value, kept }, cancellationToken: ct));
            await audit.AppendAsync(connection, ApprovalTrail.Event(row, AuditEventTypes.BreakGlassReviewed, admin.AuditName, "success",
                new JsonObject { ["identity"] = identity, ["note"] = kept }), ct);
            return new VoteResult(true, "The review is closed.");
        }, cancellationToken);

    private static string? WhyNot(ApprovalRow? row, (Guid Person, bool Closed)? task, Principal? admin, string note)
    {
        if (row is null || task is not { } open)
            return "Nobody acted alone on this, so there is nothing to review.";
        if (Authorization.Decide(admin, Permission.CloseReview, row.Resource) is { Allowed: false, Reason: var stranger })
            return stranger;
        if (admin!.Person.Value == open.Person)
            return OwnReview;
        if (open.Closed)
            return "The review is closed already.";
        return string.IsNullOrWhiteSpace(note) ? "Say what you found: it is kept with the review." : null;
    }
}
