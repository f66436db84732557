using IncidentFox.Core.Identity;

namespace IncidentFox.Core.Investigations;

/// <summary>Where an investigation stands.</summary>
public enum InvestigationState
{
    /// <summary>Asked for; no sandbox yet.</summary>
    Queued,

    /// <summary>A sandbox is being started.</summary>
    Starting,

    /// <summary>The agent is at work.</summary>
    Running,

    /// <summary>The sandbox was released; people are to decide an action.</summary>
    Waiting,

    /// <summary>Reported.</summary>
    Completed,

    /// <summary>Could not be finished; the failure says why.</summary>
    Failed,

    /// <summary>Stopped by a person.</summary>
    Stopped,
}

/// <summary>Names and properties of states.</summary>
public static class InvestigationStates
{
    /// <summary>As in the database.</summary>
    public static string Name(this InvestigationState state) => state.ToString().ToLowerInvariant();

    /// <summary>True when nothing more will happen.</summary>
    public static bool IsFinal(this InvestigationState state) =>
        state is InvestigationState.Completed or InvestigationState.Failed or InvestigationState.Stopped;
}

/// <summary>One investigation.</summary>
public sealed record Investigation
{
    /// <summary>Its identity.</summary>
    public required InvestigationId Id { get; init; }

    /// <summary>Whose it is.</summary>
    public required Resource Resource { get; init; }

    /// <summary>Where it stands.</summary>
    public required InvestigationState State { get; init; }

    /// <summary>The question, word for word.</summary>
    public required string Question { get; init; }

    /// <summary>Who asked first.</summary>
    public required PersonId RequestedBy { get; init; }

    /// <summary>Their name for people to read.</summary>
    public required string RequesterName { get; init; }

    /// <summary>The identity they asked with, for the audit trail.</summary>
    public required string RequesterLabel { get; init; }

    /// <summary>Slack workspace.</summary>
    public required string WorkspaceId { get; init; }

    /// <summary>Slack channel.</summary>
    public required string ChannelId { get; init; }

    /// <summary>The sandbox at work, or the last one.</summary>
    public SandboxId? Sandbox { get; init; }

    /// <summary>How many sandboxes it has had.</summary>
    public required int Attempt { get; init; }

    /// <summary>The approval it waits for while no sandbox runs.</summary>
    public ApprovalId? WaitingFor { get; init; }

    /// <summary>The report so far, JSON as in the agent's contract; null before the first.</summary>
    public string? ReportJson { get; init; }

    /// <summary>True when the agent said that it is the last.</summary>
    public required bool ReportFinal { get; init; }

    /// <summary>Why it failed or who stopped it, in a sentence.</summary>
    public string? Failure { get; init; }

    /// <summary>When it was asked for.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>One event of the timeline, as the agent sent it.</summary>
/// <param name="Position">Order within the investigation.</param>
/// <param name="Sandbox">Which sandbox said it.</param>
/// <param name="Kind"><c>plan, step, report, notice, parked</c>.</param>
/// <param name="BodyJson">The event's JSON as in the agent's contract.</param>
/// <param name="ReceivedAt">By the database's clock.</param>
public sealed record TimelineEvent(long Position, SandboxId Sandbox, string Kind, string BodyJson, DateTimeOffset ReceivedAt);
