namespace IncidentFox.Core.Policy;

/// <summary>
/// A policy in force: the documented JSON (<c>tools</c>, <c>approval_workflows</c>) and what this product adds, parsed. See <see cref="ToolPolicyParser"/>.
/// </summary>
public sealed record ToolPolicy
{
    /// <summary>How many approvals of a team may be pending at once when a policy says nothing.</summary>
    public const int DefaultMaxPending = 20;

    /// <summary>What is said of tools. A tool that no entry speaks of takes its rule's defaults.</summary>
    public required IReadOnlyList<ToolSetting> Tools
    {
        get;
        init => (field, ToolIndex) = (value, new(value));
    }

    /// <summary>False: whatever needs an approval is denied.</summary>
    public required bool WorkflowsEnabled { get; init; }

    /// <summary>Fills what a workflow leaves out, and serves actions without one.</summary>
    public required Workflow Default { get; init; }

    /// <summary>What is said of actions' approvals.</summary>
    public required IReadOnlyList<WorkflowSetting> Workflows
    {
        get;
        init => (field, WorkflowIndex) = (value, new(value));
    }

    /// <summary>Which integrations and namespaces are which environment.</summary>
    public EnvironmentMap Environments { get; init; } = EnvironmentMap.Empty;

    /// <summary>Approvals of a team that may be pending at once, 1 to 1000.</summary>
    public int MaxPendingPerTeam { get; init; } = DefaultMaxPending;

    /// <summary>Set: there is no policy that could be read, so everything is denied, and this is why.</summary>
    public string? Unreadable { get; init; }

    /// <summary>The canonical JSON it was parsed from.</summary>
    public required string Json { get; init; }

    /// <summary>SHA-256 (hex) of <see cref="Json"/>.</summary>
    public required string Digest { get; init; }

    internal PolicyIndex<ToolSetting> ToolIndex { get; private init; } = new([]);

    internal PolicyIndex<WorkflowSetting> WorkflowIndex { get; private init; } = new([]);

    /// <summary>The policy of a team whose policy can't be read: everything is denied.</summary>
    public static ToolPolicy DenyAll(string reason) => new()
    {
        Tools = [], WorkflowsEnabled = false, Default = new Workflow(), Workflows = [], Unreadable = reason, Json = "{}", Digest = "",
    };
}
