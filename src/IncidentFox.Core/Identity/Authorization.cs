namespace IncidentFox.Core.Identity;

/// <summary>What somebody wants to do.</summary>
public enum Permission
{
    /// <summary>See investigations and their reports.</summary>
    ReadInvestigations,

    /// <summary>Start one.</summary>
    StartInvestigation,

    /// <summary>Stop one.</summary>
    StopInvestigation,

    /// <summary>Approve or deny; the approval's own terms come on top.</summary>
    DecideApproval,

    /// <summary>Read the audit trail.</summary>
    ReadAudit,

    /// <summary>See which approvals are open.</summary>
    ReadApprovals,

    /// <summary>Withdraw an approval that one's own words asked for.</summary>
    CancelApproval,

    /// <summary>See tools, workflows and the policy in force, and have a decision explained.</summary>
    ReadPolicy,

    /// <summary>Change tools, workflows and policy of a team.</summary>
    ConfigureTools,

    /// <summary>See who has which role.</summary>
    ReadRoles,

    /// <summary>Give and take roles of a team, up to one's own.</summary>
    ManageRoles,

    /// <summary>Stop everything of a team, and lift that.</summary>
    Freeze,

    /// <summary>Prove the audit trail and take copies of it.</summary>
    ExportAudit,

    /// <summary>See who can do what and when they last did.</summary>
    ViewAccessReview,

    /// <summary>Approve alone, in an emergency, with a reason; the approval's own terms must allow it.</summary>
    BreakGlass,

    /// <summary>Close the review of somebody else's emergency approval.</summary>
    CloseReview,

    /// <summary>Change what is the whole organization's: its policy, its admins, a stop of all teams.</summary>
    ManageOrg,

    /// <summary>Leave safe mode.</summary>
    LeaveSafeMode,
}

/// <summary>What it is done to: always from a database row, never from the request.</summary>
public readonly record struct Resource(OrgId Org, TeamId Team);

/// <summary>The answer; a denial says why in words for the person.</summary>
public readonly record struct Access(bool Allowed, string? Reason)
{
    internal static Access Allow => new(true, null);

    internal static Access Deny(string reason) => new(false, reason);
}

/// <summary>The one function that decides who may do what, for Slack, the API and the command line alike. Total, pure, unknown denies.</summary>
public static class Authorization
{
    /// <summary>Decides.</summary>
    /// <param name="who">The person; null is somebody the product does not know.</param>
    /// <param name="permission">What they want to do.</param>
    /// <param name="resource">To what.</param>
    public static Access Decide(Principal? who, Permission permission, Resource resource)
    {
        if (who is null)
            return Access.Deny("You have no role here. Ask a team admin to grant you one.");
        if (who.Org != resource.Org)
            return Access.Deny("This belongs to another organization.");
        if (Minimum(permission) is not { } minimum)
            return Access.Deny("This is not allowed to anyone.");
        var role = who.RoleIn(resource.Team);
        return role >= minimum
            ? Access.Allow
            : Access.Deny($"This needs the role {minimum.Name()} in team {resource.Team}; you have {(role == Role.None ? "no role there" : role.Name())}.");
    }

    /// <summary>The lowest role that may do it.</summary>
    public static Role? Minimum(Permission permission) => permission switch
    {
        Permission.ReadInvestigations => Role.Viewer,
        Permission.StartInvestigation => Role.Operator,
        Permission.StopInvestigation => Role.Operator,
        Permission.DecideApproval => Role.Viewer,
        Permission.ReadAudit => Role.Admin,
        Permission.ReadApprovals => Role.Viewer,
        Permission.CancelApproval => Role.Viewer,
        Permission.ReadPolicy => Role.Viewer,
        Permission.ConfigureTools => Role.Admin,
        Permission.ReadRoles => Role.Viewer,
        Permission.ManageRoles => Role.Admin,
        Permission.Freeze => Role.Admin,
        Permission.ExportAudit => Role.Admin,
        Permission.ViewAccessReview => Role.Admin,
        Permission.BreakGlass => Role.Admin,
        Permission.CloseReview => Role.Admin,
        Permission.ManageOrg => Role.OrgAdmin,
        Permission.LeaveSafeMode => Role.OrgAdmin,
        _ => null,
    };
}
