namespace IncidentFox.Core.Identity;

/// <summary>Roles, each including the ones before it. Admin is a team's; org admin is the organization's.</summary>
public enum Role
{
    /// <summary>Nothing at all.</summary>
    None,

    /// <summary>Reads investigations.</summary>
    Viewer,

    /// <summary>Triggers investigations.</summary>
    Operator,

    /// <summary>Configures tools, manages the team, approves by default.</summary>
    Admin,

    /// <summary>Manages teams and the organization.</summary>
    OrgAdmin,
}

/// <summary>The names roles have in policy, configuration and the database.</summary>
public static class RoleNames
{
    /// <summary>viewer, operator, admin, org_admin.</summary>
    public static string Name(this Role role) => role switch
    {
        Role.Viewer => "viewer",
        Role.Operator => "operator",
        Role.Admin => "admin",
        Role.OrgAdmin => "org_admin",
        _ => "none",
    };

    /// <summary>Parses a name, strictly; <c>none</c> is not one.</summary>
    public static bool TryParse(string? name, out Role role)
    {
        role = name switch
        {
            "viewer" => Role.Viewer,
            "operator" => Role.Operator,
            "admin" => Role.Admin,
            "org_admin" => Role.OrgAdmin,
            _ => Role.None,
        };
        return role != Role.None;
    }
}
