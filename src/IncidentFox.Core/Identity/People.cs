using Dapper;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Identity;

/// <summary>People that the product meets outside its configuration: members of user groups, those who are given a role.</summary>
public sealed class People(Database database)
{
    private static readonly TimeSpan UseIsNotedAfter = TimeSpan.FromMinutes(10);

    /// <summary>The organization of a workspace; null when it belongs to none.</summary>
    public async Task<OrgId?> OrgOfWorkspaceAsync(string workspaceId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var org = await connection.QuerySingleOrDefaultAsync<string?>(new CommandDefinition(
            "select org_id from app.slack_workspaces where workspace_id = @workspaceId", new { workspaceId }, cancellationToken: cancellationToken));
        return org is null ? null : new OrgId(org);
    }

    /// <summary>Finds the person behind a Slack account of this workspace, or writes them down, without any role.</summary>
    /// <param name="org">The workspace's organization.</param>
    /// <param name="workspaceId">The workspace.</param>
    /// <param name="userId">The account, which Slack says is a full member there.</param>
    /// <param name="name">What people read.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public Task<PersonId> EnsureSlackUserAsync(OrgId org, string workspaceId, string userId, string name, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            await connection.ExecuteAsync(new CommandDefinition("select pg_advisory_xact_lock(hashtext('incidentfox:directory'))", cancellationToken: ct));
            var subject = IdentityStore.SlackSubject(workspaceId, userId);
            if (await FindAsync(connection, subject, ct) is { } known)
                return known;
            var id = PersonId.New();
            await connection.ExecuteAsync(new CommandDefinition(
                """
                insert into app.people (id, org_id, display_name) values (@Value, @Org, @Name);
                insert into app.person_identities (provider, subject, person_id) values ('slack', @subject, @Value);
                """, new { id.Value, Org = org.Value, Name = StorableText.Of(name, 100), subject }, cancellationToken: ct));
            return id;
        }, cancellationToken);

    /// <summary>Writes down that somebody used the product; at most once in ten minutes.</summary>
    public async Task NoteUseAsync(PersonId person, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "update app.people set last_used_at = app.clock() where id = @Value and (last_used_at is null or last_used_at < app.clock() - @UseIsNotedAfter)",
            new { person.Value, UseIsNotedAfter }, cancellationToken: cancellationToken));
    }

    private static async Task<PersonId?> FindAsync(NpgsqlConnection connection, string subject, CancellationToken ct) =>
        await connection.QuerySingleOrDefaultAsync<Guid?>(new CommandDefinition(
            "select person_id from app.person_identities where provider = 'slack' and subject = @subject", new { subject }, cancellationToken: ct)) is { } id
            ? new PersonId(id)
            : null;
}
