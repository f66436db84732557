namespace IncidentFox.Core.Identity;

/// <summary>
/// Whoever runs a command on the server. They hold the configuration and the references of its secrets, so they may do what an org admin may, except
/// vote: they are nobody's <see cref="PersonId"/>, and no quorum counts them.
/// </summary>
public static class CommandLineOperator
{
    /// <summary>The operator in an organization.</summary>
    /// <param name="org">From the database or the configuration.</param>
    /// <param name="account">The account on the server that runs the command; for the audit trail, as <c>cli:account</c>.</param>
    public static Principal Of(OrgId org, string account) => new()
    {
        Person = default,
        Org = org,
        DisplayName = account,
        AuditName = $"cli:{account}",
        Grants = [new Grant(null, Role.OrgAdmin)],
    };
}
