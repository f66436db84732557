using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Bot.Roles.Storage;

/// <summary>A user group as Slack told it, with the members that are people here.</summary>
internal sealed record KnownGroup(string Id, string Handle, IReadOnlyList<PersonId> Members);

/// <summary>Members of Slack user groups. What is not confirmed ages, and after a quarter of an hour counts for nothing (<c>slack_groups_in_force</c>).</summary>
internal sealed class UserGroupStore(Database database, AuditLog audit)
{
    /// <summary>Ids of the groups that give a role.</summary>
    public async Task<IReadOnlySet<string>> WithRolesAsync(OrgId org, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<string>(new CommandDefinition(
            "select distinct group_id from app.slack_group_roles where org_id = @Value", new { org.Value }, cancellationToken: cancellationToken))).ToHashSet();
    }

    /// <summary>The people behind accounts of a workspace; who is not known is left out.</summary>
    public async Task<IReadOnlyDictionary<string, PersonId>> PeopleAsync(OrgId org, string workspace, IEnumerable<string> users, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<(string Subject, Guid Person)>(new CommandDefinition(
            """
            select i.subject, i.person_id from app.person_identities i join app.people p on p.id = i.person_id and p.org_id = @Org
             where i.provider = 'slack' and i.subject = any(@subjects)
            """, new { Org = org.Value, subjects = users.Select(u => $"{workspace}:{u}").ToArray() }, cancellationToken: cancellationToken));
        return rows.ToDictionary(r => r.Subject[(workspace.Length + 1)..], r => new PersonId(r.Person));
    }

    /// <summary>Makes this what there is, all at once, and audits who came and who went.</summary>
    public Task<int> ReplaceAsync(OrgId org, IReadOnlyList<KnownGroup> groups, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            await connection.ExecuteAsync(new CommandDefinition("select pg_advisory_xact_lock(hashtext('incidentfox:groups'))", cancellationToken: ct));
            var wanted = groups.SelectMany(g => g.Members.Distinct().Select(m => (Group: g.Id, Person: m.Value))).ToHashSet();
            var present = (await connection.QueryAsync<(string Group, Guid Person)>(new CommandDefinition(
                "select group_id, person_id from app.slack_group_members where org_id = @Value", new { org.Value }, cancellationToken: ct))).ToHashSet();
            foreach (var (group, person) in present.Except(wanted))
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    "delete from app.slack_group_members where org_id = @Org and group_id = @group and person_id = @person", new { Org = org.Value, group, person }, cancellationToken: ct));
                await AuditAsync(connection, org, group, person, "member", null, ct);
            }
            foreach (var group in groups)
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    """
                    insert into app.slack_group_members (org_id, group_id, handle, person_id) select @Org, @Id, @Handle, unnest(@Members)
                    on conflict (org_id, group_id, person_id) do update set handle = excluded.handle, as_of = app.clock()
                    """,
                    new { Org = org.Value, group.Id, group.Handle, Members = group.Members.Select(m => m.Value).Distinct().ToArray() }, cancellationToken: ct));
            }
            foreach (var (group, person) in wanted.Except(present))
                await AuditAsync(connection, org, group, person, null, "member", ct);
            return wanted.Count;
        }, cancellationToken);

    private async Task AuditAsync(NpgsqlConnection connection, OrgId org, string group, Guid person, string? before, string? after, CancellationToken ct)
    {
        var who = await Core.Identity.IdentityStore.FindAsync(connection, new PersonId(person), ct);
        await audit.AppendAsync(connection, new AuditEvent
        {
            EventType = AuditEventTypes.ConfigurationChanged,
            OrgId = org.Value,
            UserId = "system",
            Status = "success",
            Details = new JsonObject
            {
                ["what"] = $"membership of {who?.AuditName} in user group {group}", ["old_value"] = before, ["new_value"] = after, ["source"] = "slack",
            },
        }, ct);
    }
}
