using System.Collections.Frozen;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;

namespace IncidentFox.Core.Approvals;

/// <summary>
/// Somebody who decides, with everything an approver can be named by, as the database knows it now. What was not confirmed lately is not in it: groups and
/// schedules fail closed.
/// </summary>
public sealed record Voter
{
    /// <summary>The person and their roles.</summary>
    public required Principal Principal { get; init; }

    /// <summary>In lower case; null without one.</summary>
    public string? Email { get; init; }

    /// <summary>Their Slack user ids in the organization's workspaces.</summary>
    public IReadOnlySet<string> SlackUsers { get; init; } = FrozenSet<string>.Empty;

    /// <summary>Slack user groups they are in: ids, and handles with <c>@</c>.</summary>
    public IReadOnlySet<string> Groups { get; init; } = FrozenSet<string>.Empty;

    /// <summary>Schedules by which they are on call: <c>integration/schedule</c>.</summary>
    public IReadOnlySet<string> OnCall { get; init; } = FrozenSet<string>.Empty;

    /// <summary>Is this whom the policy means? Unknown kinds mean nobody.</summary>
    public bool Is(Approver approver, TeamId team) => approver.Kind switch
    {
        ApproverKind.Email => Email is not null && Email == approver.Value,
        ApproverKind.SlackUser => SlackUsers.Contains(approver.Value),
        ApproverKind.Group => Groups.Contains(approver.Value),
        ApproverKind.Role => approver.Role > Role.None && Principal.RoleIn(team) >= approver.Role,
        ApproverKind.OnCall => OnCall.Contains(approver.Value),
        _ => false,
    };
}
