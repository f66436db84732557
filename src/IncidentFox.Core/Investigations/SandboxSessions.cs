using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Safety;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Investigations;

/// <summary>What a sandbox is, as the gateway knows it: always read from the database, never from what the sandbox says.</summary>
public sealed record SandboxSession
{
    /// <summary>The sandbox.</summary>
    public required SandboxId Sandbox { get; init; }

    /// <summary>Its only investigation.</summary>
    public required InvestigationId Investigation { get; init; }

    /// <summary>Whose it is.</summary>
    public required Resource Resource { get; init; }

    /// <summary><c>starting, caged, working</c>.</summary>
    public required string State { get; init; }

    /// <summary>For the audit trail: on whose behalf it acts.</summary>
    public required string UserId { get; init; }

    /// <summary>The lowest role among all whose words reached it.</summary>
    public required Role LowestRequesterRole { get; init; }
}

/// <summary>The gateway's side of investigations: what a sandbox may know and what it says. Works only with the gateway's database role.</summary>
public sealed class SandboxSessions(Database database, AuditLog audit, ColumnCipher cipher)
{
    /// <summary>
    /// SQL: the lowest role, as <see cref="Role"/>'s number, among all whose words reached investigation <c>i</c> (columns id, org_id, team_id). Nobody asked,
    /// or somebody of another organization: none.
    /// </summary>
    internal const string LowestRoleOfI =
        """
        coalesce((
          select min(case when p.org_id = i.org_id then coalesce((
                   select max(array_position(array['viewer', 'operator', 'admin', 'org_admin'], r.role)) from app.roles_in_force r
                    where r.person_id = p.id and r.org_id = i.org_id and (r.team_id is null or r.team_id = i.team_id)), 0) else 0 end)
            from app.investigation_requesters q join app.people p on p.id = q.person_id
           where q.investigation_id = i.id), 0)
        """;

    /// <summary>The session of a sandbox that is alive and whose investigation is open; null otherwise: refuse.</summary>
    public async Task<SandboxSession?> FindAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<(Guid Investigation, string Org, string Team, string State, string Label, int Role)>(new CommandDefinition(
            $"""
            select i.id, i.org_id, i.team_id, s.state, i.requester_label, {LowestRoleOfI}
              from app.sandboxes s join app.investigations i on i.id = s.investigation_id and i.sandbox_id = s.id
             where s.id = @Value and s.state <> 'ended' and i.status in ('starting', 'running')
               and {Stops.NoneFor("i")}
            """, new { sandbox.Value }, cancellationToken: cancellationToken));
        if (row.Org is null)
            return null;
        return new SandboxSession
        {
            Sandbox = sandbox,
            Investigation = new InvestigationId(row.Investigation),
            Resource = new Resource(new OrgId(row.Org), new TeamId(row.Team)),
            State = row.State,
            UserId = row.Label,
            LowestRequesterRole = (Role)row.Role,
        };
    }

    /// <summary>The lowest role among all whose words reached the investigation's sandboxes, as roles are now.</summary>
    public async Task<Role> LowestRequesterRoleAsync(InvestigationId investigation, Resource resource, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (Role)await connection.QuerySingleAsync<int>(new CommandDefinition(
            $"select {LowestRoleOfI} from (select @Id::uuid as id, @Org::text as org_id, @Team::text as team_id) i",
            new { Id = investigation.Value, Org = resource.Org.Value, Team = resource.Team.Value }, cancellationToken: cancellationToken));
    }

    /// <summary>The agent showed that it is caged (or that it is not, and then nothing is handed out).</summary>
    public Task<bool> RecordCageAsync(SandboxSession session, bool caged, JsonArray probes, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            if (caged)
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    "update app.sandboxes set state = 'caged', caged_at = app.clock() where id = @Value and state = 'starting'",
                    new { session.Sandbox.Value }, cancellationToken: ct));
            }
            await audit.AppendAsync(connection, new AuditEvent
            {
                EventType = AuditEventTypes.SandboxChanged,
                OrgId = session.Resource.Org.Value,
                TeamId = session.Resource.Team.Value,
                UserId = "system",
                Status = caged ? "caged" : "not_caged",
                InvestigationId = session.Investigation.Value,
                SandboxId = session.Sandbox.Value,
                Details = new JsonObject { ["probes"] = probes },
            }, ct);
            return caged;
        }, cancellationToken);

    /// <summary>The task's content, handed out to a caged sandbox; a sandbox that asks again gets the same.</summary>
    public Task<Investigation?> TakeTaskAsync(SandboxSession session, CancellationToken cancellationToken) =>
        database.InTransactionAsync<Investigation?>(async (connection, ct) =>
        {
            var taken = await connection.ExecuteAsync(new CommandDefinition(
                "update app.sandboxes set state = 'working', task_at = coalesce(task_at, app.clock()) where id = @Value and state in ('caged', 'working')",
                new { session.Sandbox.Value }, cancellationToken: ct));
            if (taken == 0)
                return null;
            var row = await connection.QuerySingleAsync<InvestigationRow>(new CommandDefinition(
                $"select {InvestigationRow.Columns} from {InvestigationRow.From} where i.id = @Value", new { session.Investigation.Value }, cancellationToken: ct));
            return row.ToInvestigation(cipher);
        }, cancellationToken);

    /// <summary>When the agent made its first tool call; measured, not judged.</summary>
    public async Task RecordFirstCallAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "update app.sandboxes set first_call_at = app.clock() where id = @Value and first_call_at is null", new { sandbox.Value }, cancellationToken: cancellationToken));
    }

    /// <summary>Appends an event once; false when this sequence was there already.</summary>
    public async Task<bool> AppendEventAsync(SandboxSession session, long sequence, string kind, string bodyJson, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.investigation_events (investigation_id, sandbox_id, sequence, kind, body)
            values (@Investigation, @Sandbox, @sequence, @kind, @body) on conflict (sandbox_id, sequence) do nothing
            """,
            new
            {
                Investigation = session.Investigation.Value, Sandbox = session.Sandbox.Value, sequence, kind,
                body = cipher.Encrypt(InvestigationRow.EventCell(session.Sandbox.Value, sequence), bodyJson),
            }, cancellationToken: cancellationToken)) == 1;
    }

    /// <summary>How many events the sandbox has sent: they are capped.</summary>
    public async Task<long> CountEventsAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleAsync<long>(new CommandDefinition(
            "select count(*) from app.investigation_events where sandbox_id = @Value", new { sandbox.Value }, cancellationToken: cancellationToken));
    }

    /// <summary>Replaces the report; a final one stays.</summary>
    public async Task<bool> SaveReportAsync(SandboxSession session, string reportJson, bool final, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(
            "update app.investigations set report = @report, report_final = @final where id = @Value and sandbox_id = @Sandbox and not report_final and status in ('starting', 'running')",
            new
            {
                session.Investigation.Value, Sandbox = session.Sandbox.Value, final,
                report = cipher.Encrypt(InvestigationRow.ReportCell(session.Investigation.Value), reportJson),
            }, cancellationToken: cancellationToken)) == 1;
    }
}
