namespace IncidentFox.Core.Identity;

/// <summary>One role somebody has: in one team, or in the whole organization when <see cref="Team"/> is null.</summary>
public readonly record struct Grant(TeamId? Team, Role Role);

/// <summary>A person as the database knows them, with the grants that are in force now.</summary>
public sealed record Principal
{
    /// <summary>The person; approvers are counted by this.</summary>
    public required PersonId Person { get; init; }

    /// <summary>Their organization, from the database.</summary>
    public required OrgId Org { get; init; }

    /// <summary>For people to read.</summary>
    public required string DisplayName { get; init; }

    /// <summary>For the audit trail: e-mail address, else the identity they came with.</summary>
    public required string AuditName { get; init; }

    /// <summary>What they were granted.</summary>
    public required IReadOnlyList<Grant> Grants { get; init; }

    /// <summary>The highest role they have in a team.</summary>
    public Role RoleIn(TeamId team) =>
        Grants.Where(g => g.Team is null || g.Team == team).Select(g => g.Role).DefaultIfEmpty(Role.None).Max();
}
