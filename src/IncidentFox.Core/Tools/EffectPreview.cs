namespace IncidentFox.Core.Tools;

/// <summary>
/// What an approver is shown: plain data, rendered by the gateway from the frozen call and from what it read of the target, never from the agent's words.
/// The bot only draws it. Every string may come from the target and is hostile.
/// </summary>
public sealed record EffectPreview
{
    /// <summary>What would happen, in a sentence: "Delete pod checkout-1 in shop; its ReplicaSet starts a new one".</summary>
    public required string Title { get; init; }

    /// <summary>Method and target as they will be sent, e.g. <c>DELETE https://k8s:6443/api/v1/namespaces/shop/pods/checkout-1</c>.</summary>
    public required string Request { get; init; }

    /// <summary>Label and value, in order.</summary>
    public required IReadOnlyList<EffectFact> Facts { get; init; }

    /// <summary>What a dry run or the current state says will change.</summary>
    public required IReadOnlyList<EffectChange> Changes { get; init; }

    /// <summary>What the dry run said, or why there was none.</summary>
    public required string DryRun { get; init; }

    /// <summary>Why, in the agent's words; must be shown as the agent's.</summary>
    public string? AgentReason { get; init; }
}

/// <summary>One line of facts.</summary>
public sealed record EffectFact(string Label, string Value);

/// <summary>One value before and after.</summary>
public sealed record EffectChange(string What, string Before, string After);
