using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;

namespace IncidentFox.Core.Approvals;

/// <summary>Where an approval stands. The database allows only the documented transitions.</summary>
public enum ApprovalState
{
    /// <summary>People are asked.</summary>
    Pending,

    /// <summary>Enough people agreed; not started yet.</summary>
    Approved,

    /// <summary>The gateway is running it, or crashed while it did.</summary>
    Executing,

    /// <summary>It ran.</summary>
    Executed,

    /// <summary>It was tried and the target refused or the request could not be made.</summary>
    Failed,

    /// <summary>It can't be known whether it ran; a person must look.</summary>
    Unknown,

    /// <summary>Somebody said no.</summary>
    Denied,

    /// <summary>Nobody decided in time.</summary>
    Expired,

    /// <summary>Withdrawn.</summary>
    Cancelled,
}

/// <summary>Names and properties of states.</summary>
public static class ApprovalStates
{
    /// <summary>As in the database and on the wire.</summary>
    public static string Name(this ApprovalState state) => state.ToString().ToLowerInvariant();

    /// <summary>Parses a name from the database.</summary>
    public static ApprovalState Parse(string name) => Enum.Parse<ApprovalState>(name, ignoreCase: true);

    /// <summary>True when nothing more will happen.</summary>
    public static bool IsFinal(this ApprovalState state) =>
        state is not (ApprovalState.Pending or ApprovalState.Approved or ApprovalState.Executing);
}

/// <summary>An approval as people see it. What will be sent is not in it: only the gateway can read that.</summary>
public sealed record Approval
{
    /// <summary>Its identity.</summary>
    public required ApprovalId Id { get; init; }

    /// <summary>Whose it is.</summary>
    public required Resource Resource { get; init; }

    /// <summary>Where it came from.</summary>
    public required InvestigationId Investigation { get; init; }

    /// <summary>Where it stands.</summary>
    public required ApprovalState State { get; init; }

    /// <summary>The tool.</summary>
    public required string Tool { get; init; }

    /// <summary>The integration.</summary>
    public required string Integration { get; init; }

    /// <summary>The 32 bytes that bind it to the frozen request.</summary>
    public required byte[] Digest { get; init; }

    /// <summary>What approvers are shown.</summary>
    public required EffectPreview Effect { get; init; }

    /// <summary>The terms it was asked under, frozen with it.</summary>
    public required Workflow Workflow { get; init; }

    /// <summary>Distinct people needed.</summary>
    public int RequiredApprovers => Workflow.RequiredApprovers;

    /// <summary>The lowest role whose vote counts where nobody is named.</summary>
    public Role ApproverRole => Workflow.ApproverRole;

    /// <summary>Where people are asked: a channel name with # or an id.</summary>
    public string NotifyChannel => Workflow.NotifyChannel;

    /// <summary>When it was asked for.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When silence denies.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>The database's clock when this was read.</summary>
    public required DateTimeOffset AsOf { get; init; }

    /// <summary>When it left pending.</summary>
    public DateTimeOffset? DecidedAt { get; init; }

    /// <summary>Who denied or cancelled it.</summary>
    public string? DecidedBy { get; init; }

    /// <summary>Why it was denied or cancelled, in that person's words.</summary>
    public string? DecisionReason { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How long the execution took.</summary>
    public long? DurationMs { get; init; }

    /// <summary>How the execution went, in a sentence.</summary>
    public string? Outcome { get; init; }

    /// <summary>Votes to approve, in order.</summary>
    public required IReadOnlyList<ApprovalVote> Votes { get; init; }

    /// <summary>All whose words reached the sandbox: names for the card.</summary>
    public required IReadOnlyList<string> Requesters { get; init; }

    /// <summary>All whose words reached the sandbox.</summary>
    public IReadOnlyList<PersonId> RequesterIds { get; init; } = [];

    /// <summary>Somebody acted alone; null where nobody did.</summary>
    public BreakGlass? BreakGlass { get; init; }

    /// <summary>As the rules see it.</summary>
    public ApprovalTerms Terms => new(State, CreatedAt, ExpiresAt, Resource, Workflow);
}

/// <summary>One person's vote to approve.</summary>
/// <param name="Person">Who.</param>
/// <param name="Name">For people to read.</param>
/// <param name="Identity">The identity they clicked with, e.g. <c>T1:U2</c>.</param>
/// <param name="At">When.</param>
/// <param name="Reason">Why, in their words; null without any.</param>
public sealed record ApprovalVote(PersonId Person, string Name, string Identity, DateTimeOffset At, string? Reason = null);

/// <summary>An admin who acted alone, and the review of it.</summary>
/// <param name="Person">Who.</param>
/// <param name="Name">For people to read.</param>
/// <param name="Reason">Why, in their words.</param>
/// <param name="At">When.</param>
/// <param name="ClosedBy">The other admin who looked at it; null while the review is open.</param>
/// <param name="ClosedAt">When the review was closed.</param>
/// <param name="Note">What that admin says of it.</param>
public sealed record BreakGlass(PersonId Person, string Name, string Reason, DateTimeOffset At, string? ClosedBy, DateTimeOffset? ClosedAt, string? Note)
{
    /// <summary>Nobody looked at it yet.</summary>
    public bool ReviewIsOpen => ClosedAt is null;
}
