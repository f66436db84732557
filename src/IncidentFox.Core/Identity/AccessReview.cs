using System.Globalization;
using System.Text;
using Dapper;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Identity;

/// <summary>One role of one person, and where it comes from.</summary>
public sealed record AccessLine
{
    /// <summary>Who.</summary>
    public required PersonId Person { get; init; }

    /// <summary>For people to read.</summary>
    public required string Name { get; init; }

    /// <summary>E-mail address, where it is known.</summary>
    public string? Email { get; init; }

    /// <summary>Slack and OIDC identities.</summary>
    public required string Identities { get; init; }

    /// <summary>Null: the whole organization.</summary>
    public TeamId? Team { get; init; }

    /// <summary>Which role.</summary>
    public required Role Role { get; init; }

    /// <summary><c>grant</c> or <c>group S…</c>.</summary>
    public required string Source { get; init; }

    /// <summary>Who gave it.</summary>
    public required string GrantedBy { get; init; }

    /// <summary>When it ends; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When the person last used the product; null: never.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
}

/// <summary>Who can do what, and when they last did anything: for access reviews.</summary>
public sealed class AccessReview(Database database)
{
    /// <summary>Every role in force; of one team with what comes from the organization, or of all.</summary>
    public async Task<IReadOnlyList<AccessLine>> ReadAsync(OrgId org, TeamId? team, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition(
            """
            select r.person_id as Person, p.display_name as Name, p.email, r.team_id as Team, r.role, r.source, r.granted_by as GrantedBy, r.expires_at as ExpiresAt,
                   p.last_used_at as LastUsedAt,
                   coalesce((select string_agg(i.provider || ':' || i.subject, ' ' order by i.provider, i.subject) from app.person_identities i where i.person_id = p.id), '') as Identities
              from app.roles_in_force r join app.people p on p.id = r.person_id
             where r.org_id = @Org and (@Team::text is null or r.team_id is null or r.team_id = @Team)
             order by p.display_name collate "C", p.id, r.team_id collate "C" nulls first, array_position(array['org_admin', 'admin', 'operator', 'viewer'], r.role), r.source
            """, new { Org = org.Value, Team = team?.Value }, cancellationToken: cancellationToken));
        return [.. rows.Select(r => r.ToLine())];
    }

    /// <summary>The permissions that a role has, by name.</summary>
    public static IEnumerable<string> PermissionsOf(Role role) =>
        Enum.GetValues<Permission>().Where(p => Authorization.Minimum(p) is { } minimum && role >= minimum).Select(p => p.ToString());

    /// <summary>As CSV (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe.</summary>
    public static string Csv(IEnumerable<AccessLine> lines)
    {
        var text = new StringBuilder("person,name,email,identities,team,role,permissions,source,granted_by,expires_at,last_used_at\r\n");
        foreach (var line in lines)
        {
            string?[] cells =
            [
                line.Person.ToString(), line.Name, line.Email, line.Identities, line.Team?.Value ?? "(organization)", line.Role.Name(),
                string.Join(' ', PermissionsOf(line.Role)), line.Source, line.GrantedBy, Time(line.ExpiresAt), Time(line.LastUsedAt),
            ];
            text.AppendJoin(',', cells.Select(Cell)).Append("\r\n");
        }
        return text.ToString();
    }

    private static string Time(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "";

    private static string Cell(string? text)
    {
        // Control characters have no business in a name, and a line of their own would look like somebody's role.
        var plain = new string([.. (text ?? "").Select(c => char.IsControl(c) ? ' ' : c)]);
        if (plain.TrimStart() is { Length: > 0 } start && start[0] is '=' or '+' or '-' or '@')
            plain = "'" + plain;
        return plain.AsSpan().IndexOfAny(",\"") < 0 ? plain : $"\"{plain.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    private sealed record Row
    {
        public Guid Person { get; init; }
        public string Name { get; init; } = "";
        public string? Email { get; init; }
        public string? Team { get; init; }
        public string Role { get; init; } = "";
        public string Source { get; init; } = "";
        public string GrantedBy { get; init; } = "";
        public DateTime? ExpiresAt { get; init; }
        public DateTime? LastUsedAt { get; init; }
        public string Identities { get; init; } = "";

        public AccessLine ToLine() => new()
        {
            Person = new PersonId(Person),
            Name = Name,
            Email = Email,
            Identities = Identities,
            Team = Team is null ? null : new TeamId(Team),
            Role = RoleNames.TryParse(Role, out var role) ? role : Identity.Role.None,
            Source = Source,
            GrantedBy = GrantedBy,
            ExpiresAt = ExpiresAt is { } e ? new DateTimeOffset(e) : null,
            LastUsedAt = LastUsedAt is { } u ? new DateTimeOffset(u) : null,
        };
    }
}
