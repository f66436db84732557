namespace IncidentFox.Core.Identity;

/// <summary>Who may give and take which role: pure and total. Nobody hands out more than they have.</summary>
public static class RoleRules
{
    /// <summary>Decides.</summary>
    public static Access Judge(Principal? who, RoleChange change)
    {
        var needed = change.Team is null ? Permission.ManageOrg : Permission.ManageRoles;
        var access = Authorization.Decide(who, needed, new Resource(change.Org, change.Team ?? default));
        if (!access.Allowed)
            return access;
        return who!.RoleIn(change.Team ?? default) >= change.Role
            ? Access.Allow
            : Access.Deny($"The role {change.Role.Name()} is more than you have yourself.");
    }
}
