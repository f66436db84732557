using IncidentFox.Core.Identity;

namespace IncidentFox.Core.Policy;

/// <summary>The policy in force: the documented JSON (<c>tools</c>, <c>approval_workflows</c>), parsed. See <see cref="ToolPolicyParser"/>.</summary>
public sealed record ToolPolicy
{
    /// <summary>What is said of single tools, by name. A tool that is not named takes its rule's defaults.</summary>
    public required IReadOnlyDictionary<string, ToolSetting> Tools { get; init; }

    /// <summary>False: whatever needs an approval is denied.</summary>
    public required bool WorkflowsEnabled { get; init; }

    /// <summary>Fills what a workflow leaves out, and serves actions without one.</summary>
    public required Workflow Default { get; init; }

    /// <summary>Workflows by action (tool) name, defaults filled in.</summary>
    public required IReadOnlyDictionary<string, Workflow> Workflows { get; init; }

    /// <summary>SHA-256 (hex) of the canonical JSON it was parsed from.</summary>
    public required string Digest { get; init; }

    /// <summary>The workflow for a tool.</summary>
    public Workflow WorkflowFor(string tool) => Workflows.GetValueOrDefault(tool, Default);
}

/// <summary>What is said of one tool.</summary>
public sealed record ToolSetting
{
    /// <summary>False denies it to everybody.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>A minimum: the lowest of them is the lowest role that may call it. Empty: the rule's default.</summary>
    public IReadOnlyList<Role> AllowedRoles { get; init; } = [];

    /// <summary>True asks for an approval even of a read; false can't take one away that a write needs.</summary>
    public bool? RequireApproval { get; init; }
}

/// <summary>Who must agree, how soon and where they are asked.</summary>
public sealed record Workflow
{
    /// <summary>Distinct people, 1 to 20.</summary>
    public int RequiredApprovers { get; init; } = 1;

    /// <summary>Silence denies after this. Up to 7 days; fractions of a minute are fine.</summary>
    public decimal TimeoutMinutes { get; init; } = 30;

    /// <summary>Channel name with <c>#</c>, or a Slack channel id.</summary>
    public string NotifyChannel { get; init; } = "#sre-approvals";

    /// <summary>The lowest role whose approval counts.</summary>
    public Role ApproverRole { get; init; } = Role.Admin;
}
