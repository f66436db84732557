using System.Collections.Frozen;
using Dapper;
using IncidentFox.Core.Identity;
using Npgsql;

namespace IncidentFox.Core.Approvals;

// What the database knows of somebody who decides: always read anew, in the transaction of the decision.
internal static class ApproverFacts
{
    // A schedule that was not confirmed within this time says nothing any more. Groups have their bound in the view.
    public static readonly TimeSpan Fresh = TimeSpan.FromMinutes(30);

    public static async Task<Voter?> FindAsync(NpgsqlConnection connection, PersonId id, CancellationToken ct)
    {
        if (await IdentityStore.FindAsync(connection, id, ct) is not { } principal)
            return null;
        var facts = (await connection.QueryAsync<(string Kind, string Value)>(new CommandDefinition(
            """
            select 'email', lower(p.email) from app.people p where p.id = @Value and p.email is not null
            union all
            select 'slack', split_part(i.subject, ':', 2) from app.person_identities i
              join app.slack_workspaces w on w.workspace_id = split_part(i.subject, ':', 1) and w.org_id = @Org
             where i.person_id = @Value and i.provider = 'slack'
            union all
            select 'on_call', o.schedule from app.on_call_people o
             where o.person_id = @Value and o.org_id = @Org and o.as_of > app.clock() - @Fresh
            union all
            select 'group', unnest(array[g.group_id, '@' || g.handle]) from app.slack_groups_in_force g
             where g.person_id = @Value and g.org_id = @Org
            """, new { id.Value, Org = principal.Org.Value, Fresh }, cancellationToken: ct))).ToLookup(f => f.Kind, f => f.Value);
        return new Voter
        {
            Principal = principal,
            Email = facts["email"].FirstOrDefault(),
            SlackUsers = facts["slack"].ToFrozenSet(),
            Groups = facts["group"].ToFrozenSet(),
            OnCall = facts["on_call"].ToFrozenSet(),
        };
    }

    // People who might ever decide for this team, the likeliest first: with a role there, or named by something else than a role.
    public static async Task<IReadOnlyList<PersonId>> CandidatesAsync(NpgsqlConnection connection, Resource resource, int limit, CancellationToken ct) =>
        [.. (await connection.QueryAsync<Guid>(new CommandDefinition(
            """
            select p.id from app.people p
              left join app.roles_in_force g on g.person_id = p.id and g.org_id = p.org_id and (g.team_id is null or g.team_id = @Team)
             where p.org_id = @Org
             group by p.id
             order by max(case g.role when 'org_admin' then 4 when 'admin' then 3 when 'operator' then 2 when 'viewer' then 1 else 0 end) desc, p.id
             limit @limit
            """, new { Org = resource.Org.Value, Team = resource.Team.Value, limit }, cancellationToken: ct))).Select(p => new PersonId(p))];
}
