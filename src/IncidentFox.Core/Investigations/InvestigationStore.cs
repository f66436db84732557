using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Safety;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Investigations;

/// <summary>What somebody asks for. The same delivery key asks once: later ones get the first one's investigation.</summary>
public sealed record NewInvestigation(
    Resource Resource, Principal Requester, string RequesterLabel, string WorkspaceId, string ChannelId, string Question, string? DeliveryKey = null);

/// <summary>The people's side of investigations: created, started, ended by the bot. Every transition is one guarded update.</summary>
public sealed class InvestigationStore(Database database, AuditLog audit, ColumnCipher cipher)
{
    /// <summary>Longest question, characters.</summary>
    public const int MaxQuestion = 4_000;

    /// <summary>Creates it, queued, with its audit row; or finds the one that the same delivery created before.</summary>
    public Task<InvestigationId> CreateAsync(NewInvestigation request, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var id = InvestigationId.New();
            var inserted = await connection.ExecuteAsync(new CommandDefinition(
                """
                insert into app.investigations (id, org_id, team_id, question, requested_by, requester_label, workspace_id, channel_id, delivery_key)
                values (@Id, @Org, @Team, @question, @Person, @RequesterLabel, @WorkspaceId, @ChannelId, @DeliveryKey)
                on conflict (delivery_key) do nothing
                """,
                new
                {
                    Id = id.Value, Org = request.Resource.Org.Value, Team = request.Resource.Team.Value,
                    question = cipher.Encrypt(InvestigationRow.QuestionCell(id.Value), request.Question),
                    Person = request.Requester.Person.Value, request.RequesterLabel, request.WorkspaceId, request.ChannelId, request.DeliveryKey,
                }, cancellationToken: ct));
            if (inserted == 0)
            {
                return new InvestigationId(await connection.QuerySingleAsync<Guid>(new CommandDefinition(
                    "select id from app.investigations where delivery_key = @DeliveryKey", new { request.DeliveryKey }, cancellationToken: ct)));
            }
            await connection.ExecuteAsync(new CommandDefinition(
                "insert into app.investigation_requesters (investigation_id, person_id) values (@Id, @Person)",
                new { Id = id.Value, Person = request.Requester.Person.Value }, cancellationToken: ct));
            await audit.AppendAsync(connection, new AuditEvent
            {
                EventType = AuditEventTypes.InvestigationStarted,
                OrgId = request.Resource.Org.Value,
                TeamId = request.Resource.Team.Value,
                UserId = request.Requester.AuditName,
                Status = "success",
                InvestigationId = id.Value,
                Query = request.Question,
            }, ct);
            return id;
        }, cancellationToken);

    /// <summary>One investigation; null when there is none.</summary>
    public async Task<Investigation?> FindAsync(InvestigationId id, CancellationToken cancellationToken) =>
        (await ListAsync("i.id = @Value", new { id.Value }, 1, cancellationToken)).SingleOrDefault();

    /// <summary>The team's latest, newest first.</summary>
    public Task<IReadOnlyList<Investigation>> LatestAsync(Resource team, int count, CancellationToken cancellationToken) =>
        ListAsync("i.org_id = @Org and i.team_id = @Team", new { Org = team.Org.Value, Team = team.Team.Value }, count, cancellationToken);

    /// <summary>The team's latest that is not over, else its latest; null when it has none.</summary>
    public async Task<Investigation?> CurrentAsync(Resource team, CancellationToken cancellationToken) =>
        (await ListAsync(
            """
            i.id = coalesce(
              (select x.id from app.investigations x where x.org_id = @Org and x.team_id = @Team and x.status in ('queued', 'starting', 'running', 'waiting')
                order by x.created_at desc, x.id desc limit 1),
              (select x.id from app.investigations x where x.org_id = @Org and x.team_id = @Team order by x.created_at desc, x.id desc limit 1))
            """, new { Org = team.Org.Value, Team = team.Team.Value }, 1, cancellationToken)).SingleOrDefault();

    /// <summary>Every one that is not over.</summary>
    public Task<IReadOnlyList<Investigation>> OpenAsync(CancellationToken cancellationToken) =>
        ListAsync("i.status in ('queued', 'starting', 'running', 'waiting')", new { }, 10_000, cancellationToken);

    /// <summary>The timeline from a position on, oldest first.</summary>
    public async Task<IReadOnlyList<TimelineEvent>> TimelineAsync(InvestigationId id, long after, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<(long Position, Guid Sandbox, long Sequence, string Kind, byte[] Body, DateTime At)>(new CommandDefinition(
            """
            select position, sandbox_id, sequence, kind, body, received_at from app.investigation_events
             where investigation_id = @Value and position > @after order by position limit 1000
            """, new { id.Value, after }, cancellationToken: cancellationToken));
        return [.. rows.Select(r => new TimelineEvent(
            r.Position, new SandboxId(r.Sandbox), r.Kind, cipher.Decrypt(InvestigationRow.EventCell(r.Sandbox, r.Sequence), r.Body), r.At))];
    }

    /// <summary>Claims a queued or waiting one for a new sandbox. Null when somebody else did, or it is over.</summary>
    public Task<SandboxId?> TryStartAsync(InvestigationId id, string driver, CancellationToken cancellationToken) =>
        database.InTransactionAsync<SandboxId?>(async (connection, ct) =>
        {
            var sandbox = SandboxId.New();
            var claimed = await connection.ExecuteAsync(new CommandDefinition(
                $"""
                update app.investigations i set status = 'starting', sandbox_id = @Sandbox, attempt = attempt + 1, started_at = coalesce(started_at, app.clock())
                 where id = @Value and status in ('queued', 'waiting') and {Stops.NoneFor("i")}
                """, new { id.Value, Sandbox = sandbox.Value }, cancellationToken: ct));
            if (claimed == 0)
                return null;
            await connection.ExecuteAsync(new CommandDefinition(
                "insert into app.sandboxes (id, investigation_id, driver) values (@Sandbox, @Value, @driver)",
                new { Sandbox = sandbox.Value, id.Value, driver }, cancellationToken: ct));
            await SandboxAuditAsync(connection, id, sandbox, "starting", driver, ct);
            return sandbox;
        }, cancellationToken);

    /// <summary>starting -> running.</summary>
    public Task<bool> MarkRunningAsync(InvestigationId id, SandboxId sandbox, CancellationToken cancellationToken) =>
        UpdateAsync("update app.investigations set status = 'running' where id = @Id and sandbox_id = @Sandbox and status = 'starting'",
            new { Id = id.Value, Sandbox = sandbox.Value }, cancellationToken);

    /// <summary>The sandbox is gone but an approval is open: wait for it without one.</summary>
    public Task<bool> MarkWaitingAsync(InvestigationId id, SandboxId sandbox, ApprovalId approval, CancellationToken cancellationToken) =>
        UpdateAsync("update app.investigations set status = 'waiting', waiting_for = @Approval where id = @Id and sandbox_id = @Sandbox and status in ('starting', 'running')",
            new { Id = id.Value, Sandbox = sandbox.Value, Approval = approval.Value }, cancellationToken);

    /// <summary>The sandbox was lost through no fault of the question: queue it again.</summary>
    public Task<bool> RequeueAsync(InvestigationId id, SandboxId sandbox, CancellationToken cancellationToken) =>
        UpdateAsync("update app.investigations set status = 'queued' where id = @Id and sandbox_id = @Sandbox and status in ('starting', 'running')",
            new { Id = id.Value, Sandbox = sandbox.Value }, cancellationToken);

    /// <summary>A sandbox ended; harmless when repeated.</summary>
    public Task<bool> EndSandboxAsync(InvestigationId id, SandboxId sandbox, string reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var ended = await connection.ExecuteAsync(new CommandDefinition(
                """
                update app.sandboxes set state = 'ended', ended_at = app.clock(), end_reason = @reason
                 where id = @Sandbox and investigation_id = @Value and state <> 'ended'
                """, new { id.Value, Sandbox = sandbox.Value, reason = StorableText.Of(reason, AuditLog.MaxString) }, cancellationToken: ct));
            if (ended == 0)
                return false;
            await SandboxAuditAsync(connection, id, sandbox, "destroyed", reason, ct);
            if (reason == SecurityAlertKinds.NotCaged)
                await NotCagedAsync(connection, id, sandbox, ct);
            return true;
        }, cancellationToken);

    /// <summary>Ends it, once. False when it was over already.</summary>
    /// <param name="id">Which.</param>
    /// <param name="state">Completed, failed or stopped.</param>
    /// <param name="byWhom">For the audit trail.</param>
    /// <param name="code">Machine-readable reason of a failure.</param>
    /// <param name="failure">Why, for people.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public Task<bool> EndAsync(
        InvestigationId id, InvestigationState state, string byWhom, string? code, string? failure, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            if (!state.IsFinal())
                throw new ArgumentOutOfRangeException(nameof(state), state, "An investigation ends as completed, failed or stopped.");
            var row = await connection.QuerySingleOrDefaultAsync<(string Org, string Team, TimeSpan Took)>(new CommandDefinition(
                """
                update app.investigations set status = @status, failure_code = @code, failure = @failure, ended_at = app.clock(), waiting_for = null
                 where id = @Value and status in ('queued', 'starting', 'running', 'waiting')
                returning org_id, team_id, app.clock() - created_at
                """, new { id.Value, status = state.Name(), code, failure = failure is null ? null : StorableText.Of(failure, AuditLog.MaxString) }, cancellationToken: ct));
            if (row.Org is null)
                return false;
            await audit.AppendAsync(connection, new AuditEvent
            {
                EventType = AuditEventTypes.InvestigationEnded,
                OrgId = row.Org,
                TeamId = row.Team,
                UserId = byWhom,
                Status = state switch { InvestigationState.Completed => "success", InvestigationState.Stopped => "stopped", _ => "error" },
                DurationMs = (long)row.Took.TotalMilliseconds,
                InvestigationId = id.Value,
                Details = code is null ? null : new JsonObject { ["reason"] = code },
            }, ct);
            return true;
        }, cancellationToken);

    private async Task<IReadOnlyList<Investigation>> ListAsync(string where, object parameters, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<InvestigationRow>(new CommandDefinition(
            $"select {InvestigationRow.Columns} from {InvestigationRow.From} where {where} order by i.created_at desc, i.id desc limit {limit}",
            parameters, cancellationToken: cancellationToken));
        return [.. rows.Select(r => r.ToInvestigation(cipher))];
    }

    private async Task<bool> UpdateAsync(string sql, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken)) == 1;
    }

    // The gateway tells of a hello that shows no cage. A sandbox that never said any has to be told of as well.
    private async Task NotCagedAsync(NpgsqlConnection connection, InvestigationId id, SandboxId sandbox, CancellationToken ct)
    {
        var (org, team, told) = await connection.QuerySingleAsync<(string Org, string Team, bool Told)>(new CommandDefinition(
            """
            select org_id, team_id, exists (select from app.audit_events e where e.investigation_id = i.id and e.sandbox_id = @Sandbox and e.event_type = @SecurityAlert)
              from app.investigations i where id = @Value
            """, new { id.Value, Sandbox = sandbox.Value, AuditEventTypes.SecurityAlert }, cancellationToken: ct));
        if (told)
            return;
        await audit.AppendAsync(connection, new AuditEvent
        {
            EventType = AuditEventTypes.SecurityAlert,
            OrgId = org,
            TeamId = team,
            UserId = "system",
            Status = "denied",
            InvestigationId = id.Value,
            SandboxId = sandbox.Value,
            Details = new JsonObject { ["kind"] = SecurityAlertKinds.NotCaged, ["code"] = "not_caged_in_time" },
        }, ct);
    }

    private async Task SandboxAuditAsync(
        NpgsqlConnection connection, InvestigationId id, SandboxId sandbox, string status, string reason, CancellationToken ct)
    {
        var (org, team) = await connection.QuerySingleAsync<(string Org, string Team)>(new CommandDefinition(
            "select org_id, team_id from app.investigations where id = @Value", new { id.Value }, cancellationToken: ct));
        await audit.AppendAsync(connection, new AuditEvent
        {
            EventType = AuditEventTypes.SandboxChanged,
            OrgId = org,
            TeamId = team,
            UserId = "system",
            Status = status,
            InvestigationId = id.Value,
            SandboxId = sandbox.Value,
            Details = new JsonObject { ["reason"] = reason },
        }, ct);
    }
}
