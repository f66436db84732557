using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Identity;

/// <summary>Brings the directory tables to what the configuration says, in one transaction with the audit events that tell of it.</summary>
public sealed class DirectorySync(Database database, AuditLog audit)
{
    private const string GrantedBy = "configuration";

    /// <summary>Applies the options. The same options twice change nothing and audit nothing.</summary>
    public Task<bool> ApplyAsync(DirectoryOptions options, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            await connection.ExecuteAsync(new CommandDefinition("select pg_advisory_xact_lock(hashtext('incidentfox:directory'))", cancellationToken: ct));
            await ApplyStructureAsync(connection, options, ct);
            foreach (var person in options.People)
                await EnsurePersonAsync(connection, options, person, ct);
            return await ApplyGrantsAsync(connection, options, ct);
        }, cancellationToken);

    private static async Task ApplyStructureAsync(NpgsqlConnection connection, DirectoryOptions options, CancellationToken ct)
    {
        await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.orgs (id, name) values (@Id, @Name) on conflict (id) do update set name = excluded.name;
            insert into app.slack_workspaces (workspace_id, org_id) values (@SlackWorkspace, @Id) on conflict (workspace_id) do update set org_id = excluded.org_id;
            """, new { options.Id, options.Name, options.SlackWorkspace }, cancellationToken: ct));
        foreach (var team in options.Teams)
        {
            await connection.ExecuteAsync(new CommandDefinition(
                "insert into app.teams (org_id, id, name) values (@Org, @Id, @Name) on conflict (org_id, id) do update set name = excluded.name",
                new { Org = options.Id, team.Id, team.Name }, cancellationToken: ct));
            foreach (var channel in team.Channels)
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    """
                    insert into app.slack_channels (workspace_id, channel_id, name, org_id, team_id) values (@SlackWorkspace, @channel, '', @Org, @Team)
                    on conflict (workspace_id, channel_id) do update set org_id = excluded.org_id, team_id = excluded.team_id
                    """, new { options.SlackWorkspace, channel, Org = options.Id, Team = team.Id }, cancellationToken: ct));
            }
        }
    }

    private static async Task EnsurePersonAsync(NpgsqlConnection connection, DirectoryOptions options, PersonOptions person, CancellationToken ct)
    {
        var subject = IdentityStore.SlackSubject(options.SlackWorkspace, person.Slack);
        var updated = await connection.ExecuteAsync(new CommandDefinition(
            """
            update app.people set display_name = @Name, email = @Email
             where id = (select person_id from app.person_identities where provider = 'slack' and subject = @subject)
            """, new { person.Name, person.Email, subject }, cancellationToken: ct));
        if (updated > 0)
            return;
        var id = PersonId.New();
        await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.people (id, org_id, display_name, email) values (@Id, @Org, @Name, @Email);
            insert into app.person_identities (provider, subject, person_id) values ('slack', @subject, @Id);
            """, new { Id = id.Value, Org = options.Id, person.Name, person.Email, subject }, cancellationToken: ct));
    }

    private async Task<bool> ApplyGrantsAsync(NpgsqlConnection connection, DirectoryOptions options, CancellationToken ct)
    {
        var wanted = options.People.SelectMany(p => p.Roles.Select(r =>
            (Subject: IdentityStore.SlackSubject(options.SlackWorkspace, p.Slack), Team: r.Team ?? "", r.Role))).ToHashSet();
        var present = (await connection.QueryAsync<(string Subject, string Team, string Role)>(new CommandDefinition(
            """
            select i.subject, coalesce(g.team_id, ''), g.role
              from app.role_grants g join app.person_identities i on i.person_id = g.person_id and i.provider = 'slack'
             where g.org_id = @Id and g.granted_by = @GrantedBy
            """, new { options.Id, GrantedBy }, cancellationToken: ct))).ToHashSet();
        foreach (var grant in wanted.Except(present))
        {
            await connection.ExecuteAsync(new CommandDefinition(
                """
                insert into app.role_grants (id, person_id, org_id, team_id, role, granted_by)
                select @id, person_id, @Org, nullif(@Team, ''), @Role, @GrantedBy from app.person_identities where provider = 'slack' and subject = @Subject
                on conflict do nothing
                """, new { id = Guid.CreateVersion7(), Org = options.Id, grant.Team, grant.Role, GrantedBy, grant.Subject }, cancellationToken: ct));
            await AuditAsync(connection, options, grant, added: true, ct);
        }
        foreach (var grant in present.Except(wanted))
        {
            await connection.ExecuteAsync(new CommandDefinition(
                """
                delete from app.role_grants g using app.person_identities i
                 where i.person_id = g.person_id and i.provider = 'slack' and i.subject = @Subject
                   and g.org_id = @Org and coalesce(g.team_id, '') = @Team and g.role = @Role and g.granted_by = @GrantedBy
                """, new { Org = options.Id, grant.Team, grant.Role, GrantedBy, grant.Subject }, cancellationToken: ct));
            await AuditAsync(connection, options, grant, added: false, ct);
        }
        return !wanted.SetEquals(present);
    }

    private Task AuditAsync(NpgsqlConnection connection, DirectoryOptions options, (string Subject, string Team, string Role) grant, bool added, CancellationToken ct) =>
        audit.AppendAsync(connection, new AuditEvent
        {
            EventType = AuditEventTypes.ConfigurationChanged,
            OrgId = options.Id,
            TeamId = grant.Team.Length == 0 ? null : grant.Team,
            UserId = "system",
            Status = "success",
            Details = new JsonObject
            {
                ["what"] = $"role of {grant.Subject}",
                ["old_value"] = added ? null : grant.Role,
                ["new_value"] = added ? grant.Role : null,
                ["source"] = GrantedBy,
            },
        }, ct);
}
