namespace IncidentFox.Workbench.SlackWorkspace;

/// <summary>A person (or the app's bot user) of the workspace. <see cref="Standing"/> is a word for the page only: roles are the product's matter.</summary>
public sealed record Person(string Id, string TeamId, string Handle, string Name, string Title, string Standing, string About, string Color)
{
    public bool IsBot { get; init; }
    public string Email => $"{Handle}@{(TeamId == DemoPeople.TeamId ? "acme.example" : "northwind.example")}";

    /// <summary>From another workspace, here through a shared channel (Slack Connect).</summary>
    public bool IsStranger => TeamId != DemoPeople.TeamId;
}

public sealed record DemoChannel(string Id, string Name, string Topic, IReadOnlyList<string> Members, bool IsExternallyShared);

public sealed record UserGroup(string Id, string Handle, string Name, IReadOnlyList<string> Members);

/// <summary>Who and what is in the workspace. The ids are stable, so that configuration and tests can name them.</summary>
public static class DemoPeople
{
    public const string TeamId = "T0ACME0001";
    public const string TeamName = "Acme Shop";
    public const string TeamDomain = "acme-shop";
    public const string StrangerTeamId = "T0NORTH002";
    public const string AppId = "A0FOX00001";
    public const string BotId = "B0FOX00001";
    public const string BotUserId = "U0FOXBOT01";

    public const string Vera = "U0VERA0001";
    public const string Omar = "U0OMAR0001";
    public const string Ada = "U0ADA00001";
    public const string Ben = "U0BEN00001";
    public const string Xeno = "U0XENO0001";

    public const string Incidents = "C0INCIDENT";
    public const string Approvals = "C0APPROVAL";
    public const string General = "C0GENERAL1";

    public const string AdminsGroup = "S0ADMINS01";
    public const string OperatorsGroup = "S0OPERATOR";
    public const string ViewersGroup = "S0VIEWERS1";

    public static IReadOnlyList<Person> All { get; } =
    [
        new(Omar, TeamId, "omar", "Omar Haddad", "On-call engineer", "operator", "May start investigations. May not approve what his own words asked for.", "#2f6f9f"),
        new(Ada, TeamId, "ada", "Ada Lindqvist", "SRE lead", "admin", "May approve or deny what the agent wants to change.", "#7a4f9a"),
        new(Ben, TeamId, "ben", "Ben Okafor", "Site reliability engineer", "admin", "A second approver, for actions that need two.", "#2f7d5b"),
        new(Vera, TeamId, "vera", "Vera Novak", "Support engineer", "viewer", "May look at investigations, not start or approve anything.", "#a0662b"),
        new(Xeno, StrangerTeamId, "xeno", "Xeno Marsh", "Contractor, Northwind", "outsider", "From another company, here through a shared channel. Everything Xeno tries should be refused.", "#9a3b4f"),
        new(BotUserId, TeamId, "incidentfox", "IncidentFox", "App", "app", "Investigates incidents and asks before it changes anything.", "#d5622a") { IsBot = true },
    ];

    public static IReadOnlyList<DemoChannel> Channels { get; } =
    [
        new(Incidents, "incidents", "What is broken now", [Vera, Omar, Ada, Ben, Xeno, BotUserId], IsExternallyShared: true),
        new(Approvals, "sre-approvals", "Actions that wait for a person", [Vera, Omar, Ada, Ben, Xeno, BotUserId], IsExternallyShared: true),
        new(General, "general", "Everything else", [Vera, Omar, Ada, Ben], IsExternallyShared: false),
    ];

    public static IReadOnlyList<UserGroup> Groups { get; } =
    [
        new(AdminsGroup, "sre-admins", "SRE admins", [Ada, Ben]),
        new(OperatorsGroup, "sre-operators", "SRE operators", [Omar]),
        new(ViewersGroup, "sre-viewers", "SRE viewers", [Vera]),
    ];
}
