using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Storage;

namespace IncidentFox.Bot.Cards.Storage;

/// <summary>A notice that this process is to post.</summary>
internal sealed record DueNotice(ApprovalId Approval, string Key, int Attempts);

/// <summary>What channels are told besides cards: what is due by the database's clock, each once.</summary>
internal sealed class ApprovalNoticeStore(Database database, AuditLog audit)
{
    /// <summary>After so many tries it is given up; the card says the same.</summary>
    public const int MaxAttempts = 20;

    private static readonly TimeSpan Again = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Writes down whatever is due and was not yet, in one statement; a step of escalation with its audit row in the same transaction. Safe to run twice,
    /// by several processes at once. Returns whose cards may look different now.
    /// </summary>
    public Task<IReadOnlyCollection<Guid>> RecordDueAsync(CancellationToken cancellationToken) =>
        database.InTransactionAsync<IReadOnlyCollection<Guid>>(async (connection, ct) =>
        {
            var due = (await connection.QueryAsync<DueRow>(new CommandDefinition(
                """
                with open as (
                  select a.id, a.created_at, a.terms, app.clock() as now from app.approvals a
                   where a.status = 'pending' and a.expires_at > app.clock()
                     and (a.terms -> 'escalation' <> '[]' or a.terms -> 'reminder_minutes' <> 'null')),
                due as (
                  select o.id, 'escalation:' || (s.position - 1) as key, d.at from open o
                   cross join lateral jsonb_array_elements(o.terms -> 'escalation') with ordinality as s(step, position)
                   cross join lateral (select o.created_at + make_interval(secs => (s.step ->> 'after_minutes')::float8 * 60) as at) d
                   where d.at <= o.now
                  union all
                  -- The last one that is due, not all that an outage swallowed.
                  select o.id, 'reminder:' || n.number, o.created_at + make_interval(secs => n.number * n.every) from open o
                   cross join lateral (
                     select e.every, floor(extract(epoch from o.now - o.created_at) / e.every)::int as number
                       from (select (o.terms ->> 'reminder_minutes')::float8 * 60 as every) e where e.every > 0) n
                   where n.number >= 1
                  union all
                  select b.approval_id, 'break_glass', b.at from app.break_glass_reviews b where b.at > app.clock() - interval '1 day'
                  union all
                  select b.approval_id, 'review_closed', b.closed_at from app.break_glass_reviews b where b.closed_at > app.clock() - interval '1 day'),
                added as (
                  insert into app.approval_notices (approval_id, key, due_at)
                  select d.id, d.key, d.at from due d
                   where not exists (select 1 from app.approval_notices n where n.approval_id = d.id and n.key = d.key)
                  on conflict do nothing returning approval_id, key)
                select a.id, added.key, a.org_id as OrgId, a.team_id as TeamId, a.tool, a.investigation_id as InvestigationId,
                       (a.terms -> 'escalation' -> split_part(added.key, ':', 2)::int)::text as Step
                  from added join app.approvals a on a.id = added.approval_id where added.key like 'escalation:%'
                union all
                select added.approval_id, added.key, null, null, null, null, null from added where added.key not like 'escalation:%'
                """, cancellationToken: ct))).AsList();
            foreach (var step in due.Where(d => d.Step is not null))
                await audit.AppendAsync(connection, Event(step), ct);
            return due.Select(d => d.Id).ToHashSet();
        }, cancellationToken);

    /// <summary>Takes what is to be posted, oldest first; what could not be posted is due again later.</summary>
    public async Task<IReadOnlyList<DueNotice>> ClaimAsync(int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<(Guid Id, string Key, int Attempts)>(new CommandDefinition(
            """
            update app.approval_notices n set attempts = n.attempts + 1, next_attempt_at = app.clock() + @Again
              from (select approval_id, key from app.approval_notices
                     where posted_at is null and not given_up and next_attempt_at <= app.clock()
                     order by due_at limit @limit for update skip locked) t
             where n.approval_id = t.approval_id and n.key = t.key
            returning n.approval_id, n.key, n.attempts
            """, new { limit, Again }, cancellationToken: cancellationToken));
        return [.. rows.Select(r => new DueNotice(new ApprovalId(r.Id), r.Key, r.Attempts))];
    }

    /// <summary>People were told.</summary>
    public Task PostedAsync(DueNotice notice, CancellationToken cancellationToken) =>
        ExecuteAsync("update app.approval_notices set posted_at = app.clock() where approval_id = @Id and key = @Key", notice, cancellationToken);

    /// <summary>There is nothing to tell any more, or nobody can be told.</summary>
    public Task GiveUpAsync(DueNotice notice, CancellationToken cancellationToken) =>
        ExecuteAsync("update app.approval_notices set given_up = true where approval_id = @Id and key = @Key", notice, cancellationToken);

    /// <summary>Slack ids of those whom policy names one by one, by group or by schedule: a role is too many to call.</summary>
    public async Task<IReadOnlyList<string>> MentionsAsync(OrgId org, string workspace, IReadOnlyCollection<Approver> approvers, CancellationToken cancellationToken)
    {
        string[] Of(ApproverKind kind) => [.. approvers.Where(a => a.Kind == kind).Select(a => a.Value)];
        if (approvers.All(a => a.Kind == ApproverKind.Role))
            return [];
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<string>(new CommandDefinition(
            """
            select distinct split_part(i.subject, ':', 2) as id from app.person_identities i join app.people p on p.id = i.person_id
             where i.provider = 'slack' and p.org_id = @Org and split_part(i.subject, ':', 1) = @workspace
               and split_part(i.subject, ':', 2) ~ '^[UW][A-Z0-9]{1,30}$'
               and (lower(p.email) = any(@emails) or split_part(i.subject, ':', 2) = any(@users)
                    or exists (select 1 from app.on_call_people o where o.org_id = p.org_id and o.person_id = p.id and o.schedule = any(@schedules)
                                  and o.as_of > app.clock() - interval '30 minutes')
                    or exists (select 1 from app.slack_groups_in_force g where g.org_id = p.org_id and g.person_id = p.id
                                  and (g.group_id = any(@groups) or '@' || g.handle = any(@groups))))
             order by id limit 20
            """,
            new
            {
                Org = org.Value, workspace, emails = Of(ApproverKind.Email), users = Of(ApproverKind.SlackUser), schedules = Of(ApproverKind.OnCall),
                groups = Of(ApproverKind.Group),
            }, cancellationToken: cancellationToken))).AsList();
    }

    private async Task ExecuteAsync(string sql, DueNotice notice, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(sql, new { Id = notice.Approval.Value, notice.Key }, cancellationToken: cancellationToken));
    }

    private static AuditEvent Event(DueRow row) => new()
    {
        EventType = AuditEventTypes.ApprovalEscalated,
        OrgId = row.OrgId,
        TeamId = row.TeamId,
        UserId = "system",
        Tool = row.Tool,
        Status = "success",
        InvestigationId = row.InvestigationId,
        ApprovalId = row.Id,
        Details = new JsonObject { ["key"] = row.Key, ["step"] = JsonNode.Parse(row.Step!) },
    };

    private sealed record DueRow
    {
        public Guid Id { get; init; }
        public string Key { get; init; } = "";
        public string? OrgId { get; init; }
        public string? TeamId { get; init; }
        public string? Tool { get; init; }
        public Guid? InvestigationId { get; init; }
        public string? Step { get; init; }
    }
}
