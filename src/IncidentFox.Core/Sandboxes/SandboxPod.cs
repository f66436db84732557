namespace IncidentFox.Core.Sandboxes;

/// <summary>Where a sandbox pod stands.</summary>
public enum SandboxPodState
{
    /// <summary>A pod of the warm pool whose agent has not shown yet that it is caged.</summary>
    Starting,

    /// <summary>A pod of the warm pool: caged, nobody's.</summary>
    Idle,

    /// <summary>It belongs to one sandbox, for good.</summary>
    Claimed,

    /// <summary>Deleted, or ended; its token is worth nothing.</summary>
    Gone,
}

/// <summary>One row of <c>app.sandbox_pods</c>.</summary>
public sealed record SandboxPod
{
    /// <summary>The pod's UID, which no other pod ever has.</summary>
    public required string Uid { get; init; }

    /// <summary>Its namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The agent's image.</summary>
    public required string Image { get; init; }

    /// <summary>Where it stands.</summary>
    public required SandboxPodState State { get; init; }

    /// <summary>Whose it is; null until it is claimed.</summary>
    public SandboxId? Sandbox { get; init; }

    /// <summary>When the row was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its agent showed that it is caged.</summary>
    public DateTimeOffset? CagedAt { get; init; }

    /// <summary>How long ago the row was made, by the database's clock.</summary>
    public required TimeSpan Age { get; init; }

    /// <summary>It is the present sandbox of an investigation that is at work.</summary>
    public required bool InUse { get; init; }
}
