using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Identity;

/// <summary>A role to give or to take.</summary>
/// <param name="Org">The organization.</param>
/// <param name="Team">Null: in the whole organization, and only org admins give that.</param>
/// <param name="Person">To whom.</param>
/// <param name="Role">Which.</param>
public readonly record struct RoleChange(OrgId Org, TeamId? Team, PersonId Person, Role Role);

/// <summary>What became of it.</summary>
/// <param name="Done">True when it was changed.</param>
/// <param name="Message">What to tell the person.</param>
public readonly record struct RoleOutcome(bool Done, string Message);

/// <summary>
/// Roles that people give each other, besides what configuration and Slack user groups give. Each change is one transaction with its audit row;
/// changes take turns, so that nobody gives with a role that is being taken away.
/// </summary>
public sealed class RoleGrants(Database database, AuditLog audit)
{
    /// <summary>Longest reason kept, characters.</summary>
    public const int MaxReason = 400;

    /// <summary>The longest time a role can be given for; without a time it is for good.</summary>
    public static readonly TimeSpan MaxDuration = TimeSpan.FromDays(366);

    /// <summary>Gives the role; the same role again gets the new end.</summary>
    /// <param name="who">Who gives it: at least team admin, and never more than they have.</param>
    /// <param name="change">What.</param>
    /// <param name="duration">For how long; null: for good.</param>
    /// <param name="reason">Why; for the audit trail.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public Task<RoleOutcome> GrantAsync(Principal? who, RoleChange change, TimeSpan? duration, string? reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            if (duration is { } d && (d < TimeSpan.FromMinutes(1) || d > MaxDuration))
                return new RoleOutcome(false, "Give a time of 1 minute to 366 days, such as 30m, 8h or 14d, or none at all.");
            if (await OpenAsync(connection, who, change, "give the role", ct) is { } refused)
                return refused;
            var before = await connection.QuerySingleOrDefaultAsync<GrantRow>(new CommandDefinition(
                $"delete from app.role_grants where {Explicit} returning granted_by as By, expires_at as Until", Values(change), cancellationToken: ct));
            var until = await connection.QuerySingleAsync<DateTime?>(new CommandDefinition(
                """
                insert into app.role_grants (id, person_id, org_id, team_id, role, granted_by, reason, expires_at)
                values (@Id, @Person, @Org, @Team, @Role, @By, @Reason, app.clock() + @duration) returning expires_at
                """,
                new
                {
                    Id = Guid.CreateVersion7(), Person = change.Person.Value, Org = change.Org.Value, Team = change.Team?.Value, Role = change.Role.Name(),
                    By = who!.AuditName, Reason = reason is null ? null : StorableText.Of(reason, MaxReason), duration,
                }, cancellationToken: ct));
            var person = (await IdentityStore.FindAsync(connection, change.Person, ct))!;
            await AuditAsync(connection, change, who.AuditName, person, before is null ? null : Said(change.Role, before.Until), Said(change.Role, until), reason, ct);
            return new RoleOutcome(true, $"{person.DisplayName} is {Said(change.Role, until)} in {Where(change)}.");
        }, cancellationToken);

    /// <summary>Takes a role that a person gave. What configuration or a user group gives is not taken here, and it says so.</summary>
    public Task<RoleOutcome> RevokeAsync(Principal? who, RoleChange change, string? reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            if (await OpenAsync(connection, who, change, "take the role", ct) is { } refused)
                return refused;
            var person = (await IdentityStore.FindAsync(connection, change.Person, ct))!;
            if (change.Role == Role.OrgAdmin && !await AnotherOrgAdminAsync(connection, change, ct))
                return new RoleOutcome(false, $"{person.DisplayName} is the last org admin by grant. Make somebody else org admin first.");
            var before = await connection.QuerySingleOrDefaultAsync<GrantRow>(new CommandDefinition(
                $"delete from app.role_grants where {Explicit} returning granted_by as By, expires_at as Until", Values(change), cancellationToken: ct));
            var elsewhere = await ElsewhereAsync(connection, change, ct);
            if (before is null)
            {
                return new RoleOutcome(false, elsewhere is null
                    ? $"{person.DisplayName} was not given the role {change.Role.Name()} in {Where(change)}."
                    : $"{person.DisplayName} has the role {change.Role.Name()} from {elsewhere}; it is taken there.");
            }
            await AuditAsync(connection, change, who!.AuditName, person, Said(change.Role, before.Until), null, reason, ct);
            return new RoleOutcome(true, $"{person.DisplayName} is not {change.Role.Name()} in {Where(change)} by grant any more."
                + (elsewhere is null ? "" : $" They still have the role from {elsewhere}."));
        }, cancellationToken);

    /// <summary>Makes the first org admin. Refused while there is one, also by a user group that can't be read just now.</summary>
    /// <param name="org">The organization.</param>
    /// <param name="person">Who becomes org admin.</param>
    /// <param name="by">By what right; for the audit trail.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public Task<RoleOutcome> BootstrapAsync(OrgId org, PersonId person, string by, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            await TakeTurnAsync(connection, ct);
            if (await connection.QuerySingleAsync<bool>(new CommandDefinition(
                """
                select exists (select from app.role_grants where org_id = @Value and role = 'org_admin' and (expires_at is null or expires_at > app.clock()))
                    or exists (select from app.slack_group_roles r join app.slack_group_members m on m.org_id = r.org_id and m.group_id = r.group_id
                                where r.org_id = @Value and r.role = 'org_admin')
                """, new { org.Value }, cancellationToken: ct)))
                return new RoleOutcome(false, "There is an org admin already; ask them for a role.");
            if (await IdentityStore.FindAsync(connection, person, ct) is not { } found || found.Org != org)
                return new RoleOutcome(false, "This person does not belong to the organization.");
            var change = new RoleChange(org, null, person, Role.OrgAdmin);
            await connection.ExecuteAsync(new CommandDefinition(
                $"""
                delete from app.role_grants where {Explicit};
                insert into app.role_grants (id, person_id, org_id, team_id, role, granted_by, reason)
                values (@Id, @Person, @Org, null, @Role, @by, 'first org admin')
                """, new { Id = Guid.CreateVersion7(), Person = person.Value, Org = org.Value, Team = (string?)null, Role = Role.OrgAdmin.Name(), by }, cancellationToken: ct));
            await AuditAsync(connection, change, by, found, null, Role.OrgAdmin.Name(), "first org admin", ct);
            return new RoleOutcome(true, $"{found.DisplayName} is the first org admin.");
        }, cancellationToken);

    private const string Explicit =
        "person_id = @Person and org_id = @Org and team_id is not distinct from @Team and role = @Role and granted_by <> 'configuration'";

    // The checks that giving and taking share, with roles as they are now.
    private async Task<RoleOutcome?> OpenAsync(NpgsqlConnection connection, Principal? who, RoleChange change, string what, CancellationToken ct)
    {
        await TakeTurnAsync(connection, ct);
        if (change.Role == Role.None || (change.Role == Role.OrgAdmin && change.Team is not null))
            return new RoleOutcome(false, "org_admin is a role in the whole organization; viewer, operator and admin are roles in a team.");
        var current = who is null || who.Person == default ? who : await IdentityStore.FindAsync(connection, who.Person, ct);
        if (RoleRules.Judge(current, change) is { Allowed: false, Reason: var reason })
        {
            await audit.AppendAsync(connection, new AuditEvent
            {
                EventType = AuditEventTypes.AccessDenied,
                OrgId = change.Org.Value,
                TeamId = change.Team?.Value,
                UserId = who?.AuditName,
                Status = "denied",
                Details = new JsonObject { ["what"] = $"{what} {change.Role.Name()}", ["person"] = change.Person.ToString(), ["reason"] = reason },
            }, ct);
            return new RoleOutcome(false, reason!);
        }
        return await IdentityStore.FindAsync(connection, change.Person, ct) is { } person && person.Org == change.Org
            ? null
            : new RoleOutcome(false, "This person does not belong to the organization.");
    }

    private static Task<int> TakeTurnAsync(NpgsqlConnection connection, CancellationToken ct) =>
        connection.ExecuteAsync(new CommandDefinition("select pg_advisory_xact_lock(hashtext('incidentfox:directory'))", cancellationToken: ct));

    private static Task<bool> AnotherOrgAdminAsync(NpgsqlConnection connection, RoleChange change, CancellationToken ct) =>
        connection.QuerySingleAsync<bool>(new CommandDefinition(
            """
            select exists (select from app.role_grants where org_id = @Org and role = 'org_admin' and (person_id <> @Person or granted_by = 'configuration')
                            and (expires_at is null))
            """, Values(change), cancellationToken: ct));

    private static async Task<string?> ElsewhereAsync(NpgsqlConnection connection, RoleChange change, CancellationToken ct) =>
        await connection.QueryFirstOrDefaultAsync<string?>(new CommandDefinition(
            """
            select case when source = 'grant' then granted_by else source end from app.roles_in_force
             where person_id = @Person and org_id = @Org and team_id is not distinct from @Team and role = @Role order by 1 limit 1
            """, Values(change), cancellationToken: ct));

    private static object Values(RoleChange change) =>
        new { Person = change.Person.Value, Org = change.Org.Value, Team = change.Team?.Value, Role = change.Role.Name() };

    private static string Where(RoleChange change) => change.Team is { } team ? $"team {team}" : "the whole organization";

    private static string Said(Role role, DateTime? until) => until is { } u
        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{role.Name()} until {u.ToUniversalTime():yyyy-MM-dd HH:mm} UTC")
        : role.Name();

    private Task AuditAsync(
        NpgsqlConnection connection, RoleChange change, string by, Principal person, string? before, string? after, string? reason, CancellationToken ct) =>
        audit.AppendAsync(connection, new AuditEvent
        {
            EventType = AuditEventTypes.ConfigurationChanged,
            OrgId = change.Org.Value,
            TeamId = change.Team?.Value,
            UserId = by,
            Status = "success",
            Details = new JsonObject
            {
                ["what"] = $"role of {person.AuditName}", ["old_value"] = before, ["new_value"] = after, ["source"] = "grant", ["reason"] = reason,
            },
        }, ct);

    private sealed record GrantRow
    {
        public string By { get; init; } = "";
        public DateTime? Until { get; init; }
    }
}
