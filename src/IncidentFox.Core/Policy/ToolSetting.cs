using IncidentFox.Core.Identity;

namespace IncidentFox.Core.Policy;

/// <summary>Which tools an entry speaks of: <c>pod_restart</c>, <c>kubernetes.pod_restart</c>, <c>kubernetes.*</c>, <c>*</c>.</summary>
/// <param name="Integration">Null: of any integration.</param>
/// <param name="Tool">Null: every tool.</param>
public readonly record struct ToolPattern(string? Integration, string? Tool)
{
    /// <summary>Every tool of every integration.</summary>
    public static ToolPattern Any => default;

    /// <summary>More of it is more specific.</summary>
    internal int Rank => (Tool is null ? 0 : 2) + (Integration is null ? 0 : 1);

    /// <inheritdoc />
    public override string ToString() => (Integration, Tool) switch
    {
        (null, null) => "*",
        (null, _) => Tool,
        (_, null) => $"{Integration}.*",
        _ => $"{Integration}.{Tool}",
    };
}

/// <summary>What a policy's entry has whatever it is about.</summary>
public interface IPolicySetting
{
    /// <summary>Of which tools.</summary>
    ToolPattern Name { get; }

    /// <summary>When; null: always.</summary>
    Condition? When { get; }

    /// <summary>Where it stands in the policy's JSON, e.g. <c>$.tools.pod_restart</c>.</summary>
    string Path { get; }
}

/// <summary>What is said of a tool, or of some tools, or of a tool in some circumstances. Null: nothing is said of it here.</summary>
public sealed record ToolSetting : IPolicySetting
{
    /// <inheritdoc />
    public ToolPattern Name { get; init; }

    /// <inheritdoc />
    public Condition? When { get; init; }

    /// <inheritdoc />
    public string Path { get; init; } = "$";

    /// <summary>False denies it to everybody.</summary>
    public bool? Enabled { get; init; }

    /// <summary>A minimum: the lowest of them is the lowest role that may call it. Empty: nothing is said.</summary>
    public IReadOnlyList<Role> AllowedRoles { get; init; } = [];

    /// <summary>True asks for an approval even of a read; false can't take one away that a write needs.</summary>
    public bool? RequireApproval { get; init; }
}

/// <summary>What is said of an action's approval. Null: nothing is said of it here, a wider entry or the default does.</summary>
public sealed record WorkflowSetting : IPolicySetting
{
    /// <inheritdoc />
    public ToolPattern Name { get; init; }

    /// <inheritdoc />
    public Condition? When { get; init; }

    /// <inheritdoc />
    public string Path { get; init; } = "$";

    /// <inheritdoc cref="Workflow.RequiredApprovers" />
    public int? RequiredApprovers { get; init; }

    /// <inheritdoc cref="Workflow.TimeoutMinutes" />
    public decimal? TimeoutMinutes { get; init; }

    /// <inheritdoc cref="Workflow.NotifyChannel" />
    public string? NotifyChannel { get; init; }

    /// <summary>Whose approval counts: a role, or names. One question, so the entry that answers it answers it whole.</summary>
    public ApproverChoice? Who { get; init; }

    /// <inheritdoc cref="Workflow.Escalation" />
    public IReadOnlyList<EscalationStep>? Escalation { get; init; }

    /// <inheritdoc cref="Workflow.AllowSelfApproval" />
    public bool? AllowSelfApproval { get; init; }

    /// <inheritdoc cref="Workflow.BreakGlass" />
    public bool? BreakGlass { get; init; }

    /// <inheritdoc cref="Workflow.ReminderMinutes" />
    public decimal? ReminderMinutes { get; init; }

    /// <summary>These terms, with another workflow's where nothing is said here.</summary>
    public Workflow Over(Workflow other) => new()
    {
        RequiredApprovers = RequiredApprovers ?? other.RequiredApprovers,
        TimeoutMinutes = TimeoutMinutes ?? other.TimeoutMinutes,
        NotifyChannel = NotifyChannel ?? other.NotifyChannel,
        ApproverRole = Who?.Role ?? other.ApproverRole,
        Approvers = Who?.Approvers ?? other.Approvers,
        Escalation = Escalation ?? other.Escalation,
        AllowSelfApproval = AllowSelfApproval ?? other.AllowSelfApproval,
        BreakGlass = BreakGlass ?? other.BreakGlass,
        ReminderMinutes = ReminderMinutes ?? other.ReminderMinutes,
    };
}

/// <summary>Whose approval counts.</summary>
/// <param name="Role">Where nobody is named: the lowest role.</param>
/// <param name="Approvers">Empty: by role.</param>
public sealed record ApproverChoice(Role Role, IReadOnlyList<Approver> Approvers)
{
    /// <inheritdoc />
    public bool Equals(ApproverChoice? other) => other is not null && Role == other.Role && Approvers.SequenceEqual(other.Approvers);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Role, Approvers.Count);
}
