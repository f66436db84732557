using Dapper;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Identity;

/// <summary>A Slack channel and the team it belongs to.</summary>
/// <param name="Org">The organization.</param>
/// <param name="Team">The team.</param>
public readonly record struct ChannelOwner(OrgId Org, TeamId Team);

/// <summary>Who is behind an identity, and whose a channel is.</summary>
public sealed class IdentityStore(Database database)
{
    /// <summary>The subject under which a Slack user is known: <c>{workspace}:{user}</c>.</summary>
    public static string SlackSubject(string workspaceId, string userId) => $"{workspaceId}:{userId}";

    /// <summary>The person with their grants in force; null when the product does not know them.</summary>
    public async Task<Principal?> FindSlackUserAsync(string workspaceId, string userId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var person = await connection.QuerySingleOrDefaultAsync<Guid?>(new CommandDefinition(
            "select person_id from app.person_identities where provider = 'slack' and subject = @subject",
            new { subject = SlackSubject(workspaceId, userId) }, cancellationToken: cancellationToken));
        return person is null ? null : await FindAsync(connection, new PersonId(person.Value), cancellationToken);
    }

    /// <summary>The person with their grants in force.</summary>
    public static async Task<Principal?> FindAsync(NpgsqlConnection connection, PersonId id, CancellationToken cancellationToken)
    {
        var row = await connection.QuerySingleOrDefaultAsync<PersonRow>(new CommandDefinition(
            """
            select p.id, p.org_id as OrgId, p.display_name as DisplayName, coalesce(p.email, (
                     select i.subject from app.person_identities i where i.person_id = p.id order by i.provider, i.subject limit 1), p.id::text) as AuditName
              from app.people p where p.id = @Value
            """, new { id.Value }, cancellationToken: cancellationToken));
        if (row is null)
            return null;
        var grants = await connection.QueryAsync<(string? Team, string Role)>(new CommandDefinition(
            """
            select distinct team_id, role from app.roles_in_force where person_id = @Value and org_id = @OrgId
            """, new { id.Value, row.OrgId }, cancellationToken: cancellationToken));
        return new Principal
        {
            Person = id,
            Org = new OrgId(row.OrgId),
            DisplayName = row.DisplayName,
            AuditName = row.AuditName,
            Grants = [.. grants.Select(g => new Grant(g.Team is null ? null : new TeamId(g.Team), RoleNames.TryParse(g.Role, out var role) ? role : Role.None))],
        };
    }

    /// <summary>The team a channel belongs to; null when it belongs to none.</summary>
    public async Task<ChannelOwner?> FindChannelAsync(string workspaceId, string channelId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<(string Org, string Team)>(new CommandDefinition(
            "select org_id, team_id from app.slack_channels where workspace_id = @workspaceId and channel_id = @channelId",
            new { workspaceId, channelId }, cancellationToken: cancellationToken));
        return row.Org is null ? null : new ChannelOwner(new OrgId(row.Org), new TeamId(row.Team));
    }

    /// <summary>The organization's teams.</summary>
    public async Task<IReadOnlyList<TeamId>> TeamsAsync(OrgId org, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return [.. (await connection.QueryAsync<string>(new CommandDefinition(
            "select id from app.teams where org_id = @Value order by id", new { org.Value }, cancellationToken: cancellationToken))).Select(id => new TeamId(id))];
    }

    private sealed record PersonRow
    {
        public Guid Id { get; init; }
        public string OrgId { get; init; } = "";
        public string DisplayName { get; init; } = "";
        public string AuditName { get; init; } = "";
    }
}
