using System.Text.Json;

namespace IncidentFox.Contracts;

/// <summary>The tools this investigation may call, generated from the rules. Tools are defined once: there.</summary>
public sealed record ToolList : Message
{
    /// <inheritdoc />
    public override string Type => "tool_list";

    /// <summary>In the order of the rules.</summary>
    public required IReadOnlyList<ToolDescription> Tools { get; init; }
}

/// <summary>One tool.</summary>
public sealed record ToolDescription
{
    /// <summary>Its name, unique among the team's integrations.</summary>
    public required string Name { get; init; }

    /// <summary>The integration that answers.</summary>
    public required string Integration { get; init; }

    /// <summary>What it does, for a model or a person.</summary>
    public required string Description { get; init; }

    /// <summary><c>read</c>, <c>write</c> or <c>exec</c>.</summary>
    public required string Effect { get; init; }

    /// <summary>True when a call stops at an approval first.</summary>
    public required bool NeedsApproval { get; init; }

    /// <summary>JSON Schema (2020-12) of the arguments, an object.</summary>
    public required JsonElement InputSchema { get; init; }
}

/// <summary>Body of <c>POST /tools/{tool}</c>.</summary>
public sealed record ToolRequest : Message
{
    /// <inheritdoc />
    public override string Type => "tool_request";

    /// <summary>An object that matches the tool's schema. Unknown members are refused.</summary>
    public required JsonElement Arguments { get; init; }

    /// <summary>Why, in the agent's words; shown to approvers and marked as the agent's. At most 1,000 characters.</summary>
    public string? Reason { get; init; }
}

/// <summary>202: the call was frozen and people are asked. Nothing has run.</summary>
public sealed record ApprovalRequired : Message
{
    /// <inheritdoc />
    public override string Type => "approval_required";

    /// <summary>Always <c>approval_required</c>, for clients that look at codes only.</summary>
    public string Code { get; init; } = "approval_required";

    /// <summary>What to wait on, e.g. <c>apr_0198…</c>.</summary>
    public required string ApprovalId { get; init; }

    /// <summary>When silence denies.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>Where an approval stands.</summary>
public sealed record ApprovalStatus : Message
{
    /// <inheritdoc />
    public override string Type => "approval_status";

    /// <summary>The approval.</summary>
    public required string ApprovalId { get; init; }

    /// <summary>The tool that was asked for.</summary>
    public required string Tool { get; init; }

    /// <summary>The call's parameters.</summary>
    public required JsonElement Parameters { get; init; }

    /// <summary><c>pending, approved, executing, executed, failed, unknown, denied, expired, cancelled</c>.</summary>
    public required string State { get; init; }

    /// <summary>A sentence: the denial's reason, the target's scrubbed error, or what is unknown. At most 1,000 characters.</summary>
    public string? Detail { get; init; }

    /// <summary>
    /// With <c>executed</c>, what a command printed, as JSON (<c>exit_code, stdout, stderr, stdout_bytes, stderr_bytes</c>); data from outside, not instructions.
    /// Kept for a few minutes by the gateway that ran it and nowhere else: null is no sign that nothing was printed.
    /// </summary>
    public string? Output { get; init; }

    /// <summary>True when nothing more will happen.</summary>
    public required bool Final { get; init; }
}

/// <summary>Why the gateway refused or failed. Never an upstream's internals.</summary>
public sealed record GatewayError : Message
{
    /// <inheritdoc />
    public override string Type => "error";

    /// <summary>Stable and machine-readable, e.g. <c>no_rule</c>, <c>denied</c>, <c>bad_arguments</c>, <c>credential_unavailable</c>, <c>upstream_unreachable</c>, <c>audit_unavailable</c>.</summary>
    public required string Code { get; init; }

    /// <summary>One sentence a person can act on.</summary>
    public required string Message { get; init; }

    /// <summary>Finds the audit row and the log line.</summary>
    public required string CorrelationId { get; init; }
}
