using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Safety;
using IncidentFox.Core.Storage;
using IncidentFox.Core.Tools;
using Npgsql;

namespace IncidentFox.Core.Approvals;

/// <summary>A claimed execution: this gateway instance, and no other, holds the lease.</summary>
/// <param name="Id">The approval.</param>
/// <param name="Frozen">What to run.</param>
/// <param name="Resource">Whose it is.</param>
/// <param name="Investigation">Where it came from.</param>
/// <param name="Attempt">1 for the first; more after a crash, and then it must be proven whether the earlier try ran.</param>
public sealed record ClaimedExecution(ApprovalId Id, FrozenRequest Frozen, Resource Resource, InvestigationId Investigation, int Attempt);

/// <summary>The gateway's side of an approval: asking, counting the quorum, running once. Works only with the gateway's database role.</summary>
public sealed class ApprovalExecution(Database database, AuditLog audit, ColumnCipher shared, ColumnCipher frozenCalls)
{
    private readonly ApprovalAsk asking = new(audit, shared, frozenCalls);

    /// <summary>How long a claim lasts without renewal.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    // A claim is abandoned when its lease ran out, or at once when its owner's session is gone: a living owner holds the advisory lock of its name.
    private const string Abandoned =
        "(a.lease_until < app.clock() or pg_try_advisory_xact_lock(hashtextextended(a.lease_owner, 0)))";

    /// <summary>
    /// Asks; joins an open approval of the same investigation with the same digest instead of asking twice. Refused when the same was denied a short while
    /// ago, when the team has too many pending, and when nobody could ever agree.
    /// </summary>
    public Task<Asked> RequestAsync(ApprovalRequest request, CancellationToken cancellationToken) =>
        database.InTransactionAsync((connection, ct) => asking.AskAsync(connection, request, ct), cancellationToken);

    /// <summary>Ids of approvals that may be ready: pending with enough votes in number, or approved and not claimed, or executing with a lease that ran out.</summary>
    public async Task<IReadOnlyList<(ApprovalId Id, ApprovalState State)>> FindWorkAsync(int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<(Guid Id, string Status)>(new CommandDefinition(
            $"""
            select a.id, a.status from app.approvals a
             where {Stops.NoneFor("a")} and (a.status = 'approved'
                or (a.status = 'executing' and {Abandoned})
                or (a.status = 'pending' and a.expires_at > app.clock()
                    and ((select count(*) from app.approval_votes v where v.approval_id = a.id and v.withdrawn_at is null) >= a.required_approvers
                         or exists (select 1 from app.break_glass_reviews b where b.approval_id = a.id))))
             order by a.created_at limit @limit
            """, new { limit }, cancellationToken: cancellationToken));
        return [.. rows.Select(r => (new ApprovalId(r.Id), ApprovalStates.Parse(r.Status)))];
    }

    /// <summary>Counts the quorum with roles, groups and requesters as they are now, and approves if it is there, or if an admin may act alone and did.</summary>
    public Task<bool> GrantAsync(ApprovalId id, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            if (await ApprovalRow.LockAsync(connection, id, ct) is not { } row)
                return false;
            var requesters = await ApprovalRow.RequestersAsync(connection, row.InvestigationId, ct);
            var (approvers, how) = await AgreedAsync(connection, row, requesters, ct);
            if (approvers.Count == 0)
                return false;
            await connection.ExecuteAsync(new CommandDefinition(
                "update app.approvals set status = 'approved', decided_at = app.clock() where id = @Id", new { row.Id }, cancellationToken: ct));
            await audit.AppendAsync(connection, Event(row, AuditEventTypes.ApprovalGranted, "success",
                new JsonObject { ["decision"] = how, ["approvers"] = new JsonArray([.. approvers.Select(a => JsonValue.Create(a))]) })
                with
            { UserId = string.Join(", ", approvers) }, ct);
            return true;
        }, cancellationToken);

    // Who made the decision and how; nobody when it is not made.
    private static async Task<(IReadOnlyList<string> Approvers, string How)> AgreedAsync(
        NpgsqlConnection connection, ApprovalRow row, IReadOnlyCollection<PersonId> requesters, CancellationToken ct)
    {
        var voters = new List<Voter>();
        foreach (var person in await connection.QueryAsync<Guid>(new CommandDefinition(
            "select person_id from app.approval_votes where approval_id = @Id and withdrawn_at is null order by at", new { row.Id }, cancellationToken: ct)))
        {
            if (await ApproverFacts.FindAsync(connection, new PersonId(person), ct) is { } voter)
                voters.Add(voter);
        }
        if (ApprovalRules.HasQuorum(row.Terms, voters, requesters, row.Now))
            return ([.. ApprovalRules.Counting(row.Terms, voters, requesters, row.Now).Select(v => v.Principal.AuditName)], "approved");
        var alone = await connection.QuerySingleOrDefaultAsync<Guid?>(new CommandDefinition(
            "select person_id from app.break_glass_reviews where approval_id = @Id", new { row.Id }, cancellationToken: ct));
        if (alone is { } admin && await ApproverFacts.FindAsync(connection, new PersonId(admin), ct) is { } who
            && ApprovalRules.JudgeBreakGlass(row.Terms, who, requesters, row.Now).Accepted)
            return ([who.Principal.AuditName], "break_glass");
        return ([], "");
    }

    /// <summary>
    /// Policy was tightened after people were asked: what they agreed to is not enough any more. Denies; false when it was not open.
    /// </summary>
    public Task<bool> RefuseAsync(ApprovalId id, string reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var row = await connection.QuerySingleOrDefaultAsync<ApprovalRow>(new CommandDefinition(
                $"""
                update app.approvals a set status = 'denied', decided_at = app.clock(), decision_reason = @reason, ended_at = app.clock()
                 where a.id = @Value and a.status in ('pending', 'approved')
                returning {ApprovalRow.Columns}
                """, new { id.Value, reason = StorableText.Of(reason, ApprovalVoting.MaxReason) }, cancellationToken: ct));
            if (row is null)
                return false;
            await audit.AppendAsync(connection, Event(row, AuditEventTypes.ApprovalDenied, "denied", new JsonObject { ["decision"] = "deny", ["reason"] = reason }), ct);
            return true;
        }, cancellationToken);

    /// <summary>
    /// The terms that were frozen, the call, and whether an admin alone stands for it (glass was broken, and too few voted): for evaluating policy again
    /// before it runs. Null when there is none.
    /// </summary>
    public async Task<(FrozenRequest Frozen, ApprovalTerms Terms, InvestigationId Investigation, bool Alone)?> ReadFrozenAsync(ApprovalId id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<ClaimRow>(new CommandDefinition(
            $"""
            select {ApprovalRow.Columns}, a.frozen,
                   exists (select from app.break_glass_reviews b where b.approval_id = a.id)
                   and (select count(*) from app.approval_votes v where v.approval_id = a.id and v.withdrawn_at is null) < a.required_approvers as Alone
              from app.approvals a where a.id = @Value
            """, new { id.Value }, cancellationToken: cancellationToken));
        return row is null
            ? null
            : (Thaw(id, row), row.Terms, new InvestigationId(row.InvestigationId), row.Alone);
    }

    /// <summary>
    /// What was frozen can't be read, and an earlier try may have run: ends an abandoned execution as unknown. False when somebody is at it or it is over.
    /// </summary>
    public Task<bool> GiveUpAsync(ApprovalId id, string reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var row = await connection.QuerySingleOrDefaultAsync<ApprovalRow>(new CommandDefinition(
                $"""
                update app.approvals a set status = 'unknown', outcome = @reason, ended_at = app.clock()
                 where a.id = @Value and a.status = 'executing' and {Abandoned}
                returning {ApprovalRow.Columns}
                """, new { id.Value, reason = StorableText.Of(reason, AuditLog.MaxString) }, cancellationToken: ct));
            if (row is null)
                return false;
            await audit.AppendAsync(connection, Event(row, AuditEventTypes.ToolExecuted, "unknown", new JsonObject { ["reason"] = reason }), ct);
            return true;
        }, cancellationToken);

    /// <summary>
    /// Claims an approved call, or one whose earlier executor is gone, and commits its <c>tool_requested</c> row before anything is sent.
    /// Null when another instance was faster or it was denied meanwhile.
    /// </summary>
    /// <exception cref="InvalidOperationException">What was frozen can't be read or is not what was approved; nothing was claimed.</exception>
    public Task<ClaimedExecution?> ClaimAsync(ApprovalId id, string owner, CancellationToken cancellationToken) =>
        database.InTransactionAsync<ClaimedExecution?>(async (connection, ct) =>
        {
            var claimed = await connection.QuerySingleOrDefaultAsync<ClaimRow>(new CommandDefinition(
                $"""
                update app.approvals a set status = 'executing', lease_owner = @owner, lease_until = app.clock() + @Lease,
                       execution_attempts = a.execution_attempts + 1, started_at = coalesce(a.started_at, app.clock())
                 where a.id = @Value and (a.status = 'approved' or (a.status = 'executing' and {Abandoned})) and {Stops.NoneFor("a")}
                returning {ApprovalRow.Columns}, a.frozen, a.execution_attempts as Attempts
                """, new { id.Value, owner, Lease }, cancellationToken: ct));
            if (claimed is null)
                return null;
            var frozen = Thaw(id, claimed);
            await audit.AppendAsync(connection, Event(claimed, AuditEventTypes.ToolRequested, "pending",
                new JsonObject { ["attempt"] = claimed.Attempts, ["digest"] = Convert.ToHexStringLower(claimed.Digest) })
                with
            { Parameters = frozen.Call.Parameters }, ct);
            return new ClaimedExecution(id, frozen, claimed.Resource, new InvestigationId(claimed.InvestigationId), claimed.Attempts);
        }, cancellationToken);

    /// <summary>Renews the claim; false when it was lost.</summary>
    public async Task<bool> RenewAsync(ApprovalId id, string owner, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(
            "update app.approvals set lease_until = app.clock() + @Lease where id = @Value and status = 'executing' and lease_owner = @owner",
            new { id.Value, owner, Lease }, cancellationToken: cancellationToken)) == 1;
    }

    /// <summary>Records how it ended: executed, failed or unknown. False when the claim was lost; nothing is written then.</summary>
    public Task<bool> FinishAsync(
        ClaimedExecution execution, string owner, ApprovalState state, string outcome, TimeSpan duration, JsonObject details, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            if (state is not (ApprovalState.Executed or ApprovalState.Failed or ApprovalState.Unknown))
                throw new ArgumentOutOfRangeException(nameof(state), state, "An execution ends as executed, failed or unknown.");
            var row = await connection.QuerySingleOrDefaultAsync<ApprovalRow>(new CommandDefinition(
                $"""
                update app.approvals a set status = @status, outcome = @outcome, duration_ms = @ms, ended_at = app.clock()
                 where a.id = @Value and a.status = 'executing' and a.lease_owner = @owner and a.execution_attempts = @Attempt
                returning {ApprovalRow.Columns}
                """,
                new
                {
                    execution.Id.Value, owner, execution.Attempt, status = state.Name(), outcome = StorableText.Of(outcome, AuditLog.MaxString),
                    ms = (long)duration.TotalMilliseconds,
                }, cancellationToken: ct));
            if (row is null)
                return false;
            var status = state switch { ApprovalState.Executed => "success", ApprovalState.Failed => "error", _ => "unknown" };
            await audit.AppendAsync(connection, Event(row, AuditEventTypes.ToolExecuted, status, details) with
            {
                Parameters = execution.Frozen.Call.Parameters,
                DurationMs = (long)duration.TotalMilliseconds,
            }, ct);
            return true;
        }, cancellationToken);

    // Only the gateway's key opens it, only in this row, and only as it was when people were asked.
    private FrozenRequest Thaw(ApprovalId id, ClaimRow row)
    {
        FrozenRequest frozen;
        try
        {
            frozen = FrozenRequest.Parse(frozenCalls.Decrypt(ApprovalRow.FrozenCell(id.Value), row.Frozen));
        }
        catch (Exception e) when (e is CryptographicException or JsonException)
        {
            throw new InvalidOperationException($"Approval {id}: the frozen call can't be read: {e.Message}", e);
        }
        return frozen.Digest().AsSpan().SequenceEqual(row.Digest)
            ? frozen
            : throw new InvalidOperationException($"Approval {id}: the frozen call does not match the digest that was approved.");
    }

    private static AuditEvent Event(ApprovalRow row, string type, string status, JsonObject details) => new()
    {
        EventType = type,
        OrgId = row.OrgId,
        TeamId = row.TeamId,
        UserId = "system",
        Tool = row.Tool,
        Status = status,
        InvestigationId = row.InvestigationId,
        ApprovalId = row.Id,
        Details = details,
    };

    private sealed record ClaimRow : ApprovalRow
    {
        public byte[] Frozen { get; init; } = [];
        public int Attempts { get; init; }
        public bool Alone { get; init; }
    }
}
