namespace IncidentFox.Contracts;

/// <summary>What the agent is asked to find out. Words in it come from people and alerts: data, never instructions to the gateway.</summary>
public sealed record AgentTask : Message
{
    /// <inheritdoc />
    public override string Type => "task";

    /// <summary>The investigation, e.g. <c>inv_0198…</c>.</summary>
    public required string InvestigationId { get; init; }

    /// <summary>The question as it was asked. At most 4,000 characters.</summary>
    public required string Question { get; init; }

    /// <summary>When it was asked.</summary>
    public required DateTimeOffset AskedAt { get; init; }

    /// <summary>When the sandbox is killed. Waiting for an approval does not count towards it.</summary>
    public required DateTimeOffset Deadline { get; init; }

    /// <summary>How long the agent may wait for a decision in its sandbox before it parks (seconds). The approval outlives it.</summary>
    public required int ParkAfterSeconds { get; init; }

    /// <summary>Set when an earlier sandbox already reported and proposed: check the effect instead of starting anew.</summary>
    public ResumedWork? Resume { get; init; }
}

/// <summary>What an earlier sandbox of the same investigation left.</summary>
public sealed record ResumedWork
{
    /// <summary>The report as it stood.</summary>
    public required Report Report { get; init; }

    /// <summary>How the proposed action ended.</summary>
    public required ApprovalStatus Approval { get; init; }
}
