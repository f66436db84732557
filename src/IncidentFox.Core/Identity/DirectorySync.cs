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

    /// <summary>Applies the options. The same options twice change nothing and audit nothing; true when a channel or a grant changed.</summary>
    public Task<bool> ApplyAsync(DirectoryOptions options, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            await connection.ExecuteAsync(new CommandDefinition("select pg_advisory_xact_lock(hashtext('incidentfox:directory'))", cancellationToken: ct));
            await ApplyStructureAsync(connection, options, ct);
            var changes = await ApplyChannelsAsync(connection, options, ct);
            var people = new Dictionary<string, Guid>();
            foreach (var person in options.People)
                people[person.Slack] = await EnsurePersonAsync(connection, options, person, ct);
            changes += await ApplyGrantsAsync(connection, options, people, ct);
            changes += await ApplyGroupsAsync(connection, options, ct);
            return changes > 0;
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
        }
    }

    // A channel decides whose an investigation is: one that is not listed any more belongs to nobody.
    private async Task<int> ApplyChannelsAsync(NpgsqlConnection connection, DirectoryOptions options, CancellationToken ct)
    {
        var wanted = options.Teams.SelectMany(t => t.Channels.Select(c => (Channel: c, Team: t.Id))).ToDictionary(c => c.Channel, c => c.Team);
        var present = (await connection.QueryAsync<(string Channel, string Org, string Team)>(new CommandDefinition(
            "select channel_id, org_id, team_id from app.slack_channels where workspace_id = @SlackWorkspace", new { options.SlackWorkspace }, cancellationToken: ct)))
            .ToDictionary(c => c.Channel, c => (c.Org, c.Team));
        var changes = 0;
        foreach (var (channel, team) in wanted)
        {
            var before = present.TryGetValue(channel, out var owner) ? owner : default((string Org, string Team)?);
            if (before == (options.Id, team))
                continue;
            await connection.ExecuteAsync(new CommandDefinition(
                """
                insert into app.slack_channels (workspace_id, channel_id, name, org_id, team_id) values (@SlackWorkspace, @channel, '', @Id, @team)
                on conflict (workspace_id, channel_id) do update set org_id = excluded.org_id, team_id = excluded.team_id
                """, new { options.SlackWorkspace, channel, options.Id, team }, cancellationToken: ct));
            await AuditAsync(connection, options.Id, team, $"team of channel {channel}", before?.Team, team, ct);
            changes++;
        }
        foreach (var (channel, owner) in present.Where(p => !wanted.ContainsKey(p.Key)))
        {
            await connection.ExecuteAsync(new CommandDefinition(
                "delete from app.slack_channels where workspace_id = @SlackWorkspace and channel_id = @channel",
                new { options.SlackWorkspace, channel }, cancellationToken: ct));
            await AuditAsync(connection, owner.Org, owner.Team, $"team of channel {channel}", owner.Team, null, ct);
            changes++;
        }
        return changes;
    }

    private static async Task<Guid> EnsurePersonAsync(NpgsqlConnection connection, DirectoryOptions options, PersonOptions person, CancellationToken ct)
    {
        var subject = IdentityStore.SlackSubject(options.SlackWorkspace, person.Slack);
        var known = await connection.QuerySingleOrDefaultAsync<Guid?>(new CommandDefinition(
            """
            update app.people set display_name = @Name, email = @Email
             where id = (select person_id from app.person_identities where provider = 'slack' and subject = @subject)
            returning id
            """, new { person.Name, person.Email, subject }, cancellationToken: ct));
        if (known is { } already)
            return already;
        var id = PersonId.New().Value;
        await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.people (id, org_id, display_name, email) values (@id, @Org, @Name, @Email);
            insert into app.person_identities (provider, subject, person_id) values ('slack', @subject, @id);
            """, new { id, Org = options.Id, person.Name, person.Email, subject }, cancellationToken: ct));
        return id;
    }

    // By person, not by identity: somebody with two Slack identities keeps what either of them was given.
    private async Task<int> ApplyGrantsAsync(
        NpgsqlConnection connection, DirectoryOptions options, Dictionary<string, Guid> people, CancellationToken ct)
    {
        var wanted = options.People.SelectMany(p => p.Roles.Select(r => (Person: people[p.Slack], Team: r.Team ?? "", r.Role))).ToHashSet();
        var present = (await connection.QueryAsync<(Guid Person, string Team, string Role)>(new CommandDefinition(
            "select person_id, coalesce(team_id, ''), role from app.role_grants where org_id = @Id and granted_by = @GrantedBy",
            new { options.Id, GrantedBy }, cancellationToken: ct))).ToHashSet();
        var changes = 0;
        foreach (var grant in wanted.Except(present))
        {
            // A grant that somebody else gave already stays theirs.
            var added = await connection.ExecuteAsync(new CommandDefinition(
                """
                insert into app.role_grants (id, person_id, org_id, team_id, role, granted_by)
                values (@id, @Person, @Org, nullif(@Team, ''), @Role, @GrantedBy) on conflict do nothing
                """, new { id = Guid.CreateVersion7(), grant.Person, Org = options.Id, grant.Team, grant.Role, GrantedBy }, cancellationToken: ct));
            if (added == 0)
                continue;
            await AuditGrantAsync(connection, options.Id, grant, null, grant.Role, ct);
            changes++;
        }
        foreach (var grant in present.Except(wanted))
        {
            await connection.ExecuteAsync(new CommandDefinition(
                """
                delete from app.role_grants
                 where person_id = @Person and org_id = @Org and coalesce(team_id, '') = @Team and role = @Role and granted_by = @GrantedBy
                """, new { grant.Person, Org = options.Id, grant.Team, grant.Role, GrantedBy }, cancellationToken: ct));
            await AuditGrantAsync(connection, options.Id, grant, grant.Role, null, ct);
            changes++;
        }
        return changes;
    }

    private async Task<int> ApplyGroupsAsync(NpgsqlConnection connection, DirectoryOptions options, CancellationToken ct)
    {
        var wanted = options.Groups.Select(g => (Group: g.Slack, Team: g.Team ?? "", g.Role)).ToHashSet();
        var present = (await connection.QueryAsync<(string Group, string Team, string Role)>(new CommandDefinition(
            "select group_id, coalesce(team_id, ''), role from app.slack_group_roles where org_id = @Id", new { options.Id }, cancellationToken: ct))).ToHashSet();
        foreach (var gone in present.Except(wanted))
        {
            await connection.ExecuteAsync(new CommandDefinition(
                "delete from app.slack_group_roles where org_id = @Org and group_id = @Group and coalesce(team_id, '') = @Team and role = @Role",
                new { Org = options.Id, gone.Group, gone.Team, gone.Role }, cancellationToken: ct));
            await AuditAsync(connection, options.Id, gone.Team.Length == 0 ? null : gone.Team, $"role of user group {gone.Group}", gone.Role, null, ct);
        }
        foreach (var added in wanted.Except(present))
        {
            await connection.ExecuteAsync(new CommandDefinition(
                "insert into app.slack_group_roles (org_id, group_id, team_id, role) values (@Org, @Group, nullif(@Team, ''), @Role)",
                new { Org = options.Id, added.Group, added.Team, added.Role }, cancellationToken: ct));
            await AuditAsync(connection, options.Id, added.Team.Length == 0 ? null : added.Team, $"role of user group {added.Group}", null, added.Role, ct);
        }
        return present.Except(wanted).Count() + wanted.Except(present).Count();
    }

    private async Task AuditGrantAsync(
        NpgsqlConnection connection, string org, (Guid Person, string Team, string Role) grant, string? before, string? after, CancellationToken ct)
    {
        var person = await IdentityStore.FindAsync(connection, new PersonId(grant.Person), ct);
        await AuditAsync(connection, org, grant.Team.Length == 0 ? null : grant.Team, $"role of {person!.AuditName}", before, after, ct);
    }

    private Task AuditAsync(NpgsqlConnection connection, string org, string? team, string what, string? before, string? after, CancellationToken ct) =>
        audit.AppendAsync(connection, new AuditEvent
        {
            EventType = AuditEventTypes.ConfigurationChanged,
            OrgId = org,
            TeamId = team,
            UserId = "system",
            Status = "success",
            Details = new JsonObject { ["what"] = what, ["old_value"] = before, ["new_value"] = after, ["source"] = GrantedBy },
        }, ct);
}
