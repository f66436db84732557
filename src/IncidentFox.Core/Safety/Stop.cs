using IncidentFox.Core.Identity;

namespace IncidentFox.Core.Safety;

/// <summary>Why everything stands still.</summary>
public enum StopKind
{
    /// <summary>A person ordered it.</summary>
    Freeze,

    /// <summary>The product ordered it: the database is older than the audit trail says.</summary>
    SafeMode,
}

/// <summary>An order that nothing starts and nothing runs, for a team or for a whole organization.</summary>
public sealed record Stop
{
    /// <summary>Its identity.</summary>
    public required Guid Id { get; init; }

    /// <summary>Whose.</summary>
    public required OrgId Org { get; init; }

    /// <summary>Null: the whole organization.</summary>
    public TeamId? Team { get; init; }

    /// <summary>Why.</summary>
    public required StopKind Kind { get; init; }

    /// <summary>In the words of who ordered it.</summary>
    public required string Reason { get; init; }

    /// <summary>As in the audit trail.</summary>
    public required string OrderedBy { get; init; }

    /// <summary>By the database's clock.</summary>
    public required DateTimeOffset OrderedAt { get; init; }

    /// <summary>Who lifted it; null while it is in force.</summary>
    public string? LiftedBy { get; init; }

    /// <summary>Why it was lifted.</summary>
    public string? LiftReason { get; init; }

    /// <summary>What stands still: a team or all of the organization.</summary>
    public string Scope => Team is { } team ? $"team {team}" : $"all of organization {Org}";
}

/// <summary>What became of an order.</summary>
/// <param name="Done">True when it is in force (or lifted) now because of this call.</param>
/// <param name="Message">What to tell the person.</param>
public readonly record struct StopOutcome(bool Done, string Message);

/// <summary>What a stop needs of a person: pure and total.</summary>
public static class StopRules
{
    /// <summary>Longest reason, characters.</summary>
    public const int MaxReason = 400;

    /// <summary>Who may order a stop, or lift it.</summary>
    public static Access Judge(Principal? who, OrgId org, TeamId? team, StopKind kind) => Authorization.Decide(who, Needed(team, kind), new Resource(org, team ?? default));

    /// <summary>Null when the reason will do; else what is wrong with it.</summary>
    public static string? WrongReason(string reason) =>
        string.IsNullOrWhiteSpace(reason) ? "Say why: the reason stands in the audit trail and in the channel."
        : reason.Length > MaxReason ? $"The reason has {reason.Length} characters; at most {MaxReason}."
        : null;

    private static Permission Needed(TeamId? team, StopKind kind) =>
        kind == StopKind.SafeMode ? Permission.LeaveSafeMode : team is null ? Permission.ManageOrg : Permission.Freeze;
}
