using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;

namespace IncidentFox.Core.Approvals;

/// <summary>What the gateway asks people.</summary>
public sealed record ApprovalRequest
{
    /// <summary>Whose it is.</summary>
    public required Resource Resource { get; init; }

    /// <summary>Where it came from.</summary>
    public required InvestigationId Investigation { get; init; }

    /// <summary>The sandbox that asked.</summary>
    public required SandboxId Sandbox { get; init; }

    /// <summary>For the audit trail: on whose behalf.</summary>
    public required string UserId { get; init; }

    /// <summary>Exactly what will run.</summary>
    public required FrozenRequest Frozen { get; init; }

    /// <summary>What approvers are shown.</summary>
    public required EffectPreview Effect { get; init; }

    /// <summary>Under which terms.</summary>
    public required Workflow Workflow { get; init; }

    /// <summary>How many approvals of the team may be pending at once, this one included.</summary>
    public int MaxPending { get; init; } = ToolPolicy.DefaultMaxPending;

    /// <summary>Ties it to the request's other audit rows.</summary>
    public required string CorrelationId { get; init; }
}

/// <summary>What became of asking.</summary>
/// <param name="Id">The approval; where it was refused the one that says so, or none.</param>
/// <param name="ExpiresAt">When silence denies.</param>
/// <param name="Joined">The same was asked before, and nobody was asked twice.</param>
/// <param name="Refused">Why nobody was asked; null when they were.</param>
public sealed record Asked(ApprovalId Id, DateTimeOffset ExpiresAt, bool Joined, AskRefusal? Refused = null);

/// <summary>Why nobody was asked.</summary>
/// <param name="Code"><c>recently_denied</c>, <c>too_many_pending</c> or <c>quorum_unreachable</c>.</param>
/// <param name="Reason">A sentence a person can act on.</param>
public sealed record AskRefusal(string Code, string Reason);
