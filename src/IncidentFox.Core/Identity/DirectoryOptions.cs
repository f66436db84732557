using System.Text.RegularExpressions;

namespace IncidentFox.Core.Identity;

/// <summary>
/// Section <c>Organization</c>: the organization, its teams, their channels and who has which role. Applied at start-up; each change is audited
/// as <c>configuration_changed</c>. People and grants that are no longer listed lose what this file gave them.
/// </summary>
public sealed partial class DirectoryOptions
{
    /// <summary>Name of the configuration section.</summary>
    public const string Section = "Organization";

    /// <summary>1 to 40 of <c>a-z 0-9 _ -</c>.</summary>
    public string Id { get; set; } = "";

    /// <summary>For people to read.</summary>
    public string Name { get; set; } = "";

    /// <summary>The Slack workspace (team id, <c>T…</c>) that belongs to the organization.</summary>
    public string SlackWorkspace { get; set; } = "";

    /// <summary>
    /// Reference to the token that makes the first org admin on the command line (<c>incidentfox roles bootstrap</c>, which reads the same token from the
    /// environment variable <c>ADMIN_TOKEN</c>). Empty: only the owner of the Slack workspace can.
    /// </summary>
    public string? AdminToken { get; set; }

    /// <summary>At least one.</summary>
    public List<TeamOptions> Teams { get; set; } = [];

    /// <summary>The people who have a role.</summary>
    public List<PersonOptions> People { get; set; } = [];

    /// <summary>Slack user groups whose members have a role while they are members.</summary>
    public List<GroupOptions> Groups { get; set; } = [];

    /// <summary>Every error at once, each with how to mend it.</summary>
    public IEnumerable<string> Validate()
    {
        if (!IdPattern().IsMatch(Id))
            yield return $"{Section}:Id is '{Id}': give 1 to 40 of a-z, 0-9, _ and -.";
        if (!SlackIdPattern().IsMatch(SlackWorkspace))
            yield return $"{Section}:SlackWorkspace is '{SlackWorkspace}': give the workspace's id, such as T0123ABCD (Slack: workspace name > Tools & settings; or the URL app.slack.com/client/T…).";
        if (Teams.Count == 0)
            yield return $"{Section}:Teams is empty: name at least one team with its channels.";
        foreach (var (team, i) in Teams.Select((t, i) => (t, i)))
        {
            if (!IdPattern().IsMatch(team.Id))
                yield return $"{Section}:Teams:{i}:Id is '{team.Id}': give 1 to 40 of a-z, 0-9, _ and -.";
            foreach (var channel in team.Channels.Where(c => !SlackIdPattern().IsMatch(c)))
                yield return $"{Section}:Teams:{i}:Channels has '{channel}': give the channel's id, such as C0123ABCD (Slack: channel name > About, at the bottom).";
        }
        foreach (var id in Teams.GroupBy(t => t.Id).Where(g => g.Count() > 1).Select(g => g.Key))
            yield return $"{Section}:Teams names '{id}' twice.";
        foreach (var channel in Teams.SelectMany(t => t.Channels).GroupBy(c => c).Where(g => g.Count() > 1).Select(g => g.Key))
            yield return $"{Section}:Teams: channel {channel} belongs to two teams; it can belong to one.";
        foreach (var (person, i) in People.Select((p, i) => (p, i)))
        {
            if (!SlackIdPattern().IsMatch(person.Slack))
                yield return $"{Section}:People:{i}:Slack is '{person.Slack}': give the member id, such as U0123ABCD (Slack: profile > ⋮ > Copy member ID).";
            foreach (var grant in person.Roles)
            {
                if (!RoleNames.TryParse(grant.Role, out var role))
                    yield return $"{Section}:People:{i}:Roles has role '{grant.Role}': it is one of viewer, operator, admin, org_admin.";
                else if (grant.Team is null && role != Role.OrgAdmin)
                    yield return $"{Section}:People:{i}:Roles: role {grant.Role} needs a Team.";
                else if (grant.Team is not null && role == Role.OrgAdmin)
                    yield return $"{Section}:People:{i}:Roles: org_admin is for the whole organization; leave out Team.";
                if (grant.Team is not null && Teams.All(t => t.Id != grant.Team))
                    yield return $"{Section}:People:{i}:Roles names team '{grant.Team}', which is not in {Section}:Teams.";
            }
        }
        foreach (var (group, i) in Groups.Select((g, i) => (g, i)))
        {
            if (!GroupIdPattern().IsMatch(group.Slack))
                yield return $"{Section}:Groups:{i}:Slack is '{group.Slack}': give the user group's id, such as S0123ABCD (Slack: People > User groups > ⋮ > Copy group ID). A handle won't do: whoever may make groups could take it over.";
            if (!RoleNames.TryParse(group.Role, out var role))
                yield return $"{Section}:Groups:{i}:Role is '{group.Role}': it is one of viewer, operator, admin, org_admin.";
            else if (group.Team is null && role != Role.OrgAdmin)
                yield return $"{Section}:Groups:{i}: role {group.Role} needs a Team.";
            else if (group.Team is not null && role == Role.OrgAdmin)
                yield return $"{Section}:Groups:{i}: org_admin is for the whole organization; leave out Team.";
            if (group.Team is not null && Teams.All(t => t.Id != group.Team))
                yield return $"{Section}:Groups:{i} names team '{group.Team}', which is not in {Section}:Teams.";
        }
        foreach (var slack in People.GroupBy(p => p.Slack).Where(g => g.Count() > 1).Select(g => g.Key))
            yield return $"{Section}:People names {slack} twice.";
    }

    [GeneratedRegex("\\A[a-z0-9_-]{1,40}\\z", RegexOptions.NonBacktracking)]
    private static partial Regex IdPattern();

    [GeneratedRegex("\\AS[A-Z0-9]{1,39}\\z", RegexOptions.NonBacktracking)]
    private static partial Regex GroupIdPattern();

    [GeneratedRegex("\\A[A-Z0-9]{2,40}\\z", RegexOptions.NonBacktracking)]
    private static partial Regex SlackIdPattern();
}

/// <summary>A team.</summary>
public sealed class TeamOptions
{
    /// <summary>1 to 40 of <c>a-z 0-9 _ -</c>.</summary>
    public string Id { get; set; } = "";

    /// <summary>For people to read.</summary>
    public string Name { get; set; } = "";

    /// <summary>Slack channel ids whose investigations are this team's.</summary>
    public List<string> Channels { get; set; } = [];
}

/// <summary>A person.</summary>
public sealed class PersonOptions
{
    /// <summary>Slack member id.</summary>
    public string Slack { get; set; } = "";

    /// <summary>For people to read.</summary>
    public string Name { get; set; } = "";

    /// <summary>For the audit trail.</summary>
    public string? Email { get; set; }

    /// <summary>What they may do.</summary>
    public List<RoleOptions> Roles { get; set; } = [];
}

/// <summary>A Slack user group and the role that its members have.</summary>
public sealed class GroupOptions
{
    /// <summary>The group's id, <c>S…</c>.</summary>
    public string Slack { get; set; } = "";

    /// <summary>Team id; absent for org_admin.</summary>
    public string? Team { get; set; }

    /// <summary>viewer, operator, admin or org_admin.</summary>
    public string Role { get; set; } = "";
}

/// <summary>A role in a team, or <c>org_admin</c> without one.</summary>
public sealed class RoleOptions
{
    /// <summary>Team id; absent for org_admin.</summary>
    public string? Team { get; set; }

    /// <summary>viewer, operator, admin or org_admin.</summary>
    public string Role { get; set; } = "";
}
