using System.Text.Json.Nodes;

namespace IncidentFox.Core.Audit;

/// <summary>
/// One line of the audit trail. Its JSON is the documented format (<c>timestamp, event_type, user_id, team_id, tool, parameters, duration_ms, status</c>)
/// plus ids that tie lines together.
/// </summary>
public sealed record AuditEvent
{
    /// <summary>Identity of the line; later ones sort later.</summary>
    public Guid Id { get; init; } = OrderedUuid.New();

    /// <summary>By the database's clock. Set by the database when the event is appended.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>One of <see cref="AuditEventTypes"/>.</summary>
    public required string EventType { get; init; }

    /// <summary>Organization, where there is one.</summary>
    public string? OrgId { get; init; }

    /// <summary>Team, where there is one.</summary>
    public string? TeamId { get; init; }

    /// <summary>Who: an e-mail address or a Slack id of the person on whose behalf it happened; <c>system</c> for the product itself.</summary>
    public string? UserId { get; init; }

    /// <summary>Tool or action.</summary>
    public string? Tool { get; init; }

    /// <summary>The call's typed parameters. Never a secret: they were parsed by a rule.</summary>
    public JsonObject? Parameters { get; init; }

    /// <summary>How long it took, milliseconds.</summary>
    public long? DurationMs { get; init; }

    /// <summary><c>success</c>, <c>error</c>, <c>denied</c>, <c>pending</c>, <c>unknown</c>, ...</summary>
    public string? Status { get; init; }

    /// <summary>The investigation it belongs to.</summary>
    public Guid? InvestigationId { get; init; }

    /// <summary>The approval it belongs to.</summary>
    public Guid? ApprovalId { get; init; }

    /// <summary>The sandbox that asked.</summary>
    public Guid? SandboxId { get; init; }

    /// <summary>Ties the request, its end and the log lines together.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>What the event type adds: data source, row count, old and new value, decision, reason.</summary>
    public JsonObject? Details { get; init; }

    /// <summary>What a person asked, word for word. Stored encrypted and detachable; the line holds its salted digest.</summary>
    public string? Query { get; init; }
}

/// <summary>The event types that the product writes.</summary>
public static class AuditEventTypes
{
    /// <summary>User, query, timestamp.</summary>
    public const string InvestigationStarted = "investigation_started";

    /// <summary>How an investigation ended.</summary>
    public const string InvestigationEnded = "investigation_ended";

    /// <summary>A sandbox was started, caged or destroyed.</summary>
    public const string SandboxChanged = "sandbox_changed";

    /// <summary>Written and committed before a tool call is forwarded.</summary>
    public const string ToolRequested = "tool_requested";

    /// <summary>Tool name, parameters, result status.</summary>
    public const string ToolExecuted = "tool_executed";

    /// <summary>A call that no rule, role or policy allows.</summary>
    public const string ToolRefused = "tool_refused";

    /// <summary>Written and committed before a model is asked: which one, how much; never what.</summary>
    public const string ModelRequested = "model_requested";

    /// <summary>How it ended, with tokens and cost; never the answer.</summary>
    public const string ModelAnswered = "model_answered";

    /// <summary>A model turn that was refused: no such model, over budget, not allowed.</summary>
    public const string ModelRefused = "model_refused";

    /// <summary>Data source, query, row count.</summary>
    public const string DataAccessed = "data_accessed";

    /// <summary>Old value, new value, user.</summary>
    public const string ConfigurationChanged = "configuration_changed";

    /// <summary>An approval was asked for.</summary>
    public const string ApprovalRequested = "approval_requested";

    /// <summary>One person's vote to approve.</summary>
    public const string ApprovalVoted = "approval_voted";

    /// <summary>Somebody took their vote back.</summary>
    public const string ApprovalVoteWithdrawn = "approval_vote_withdrawn";

    /// <summary>An escalation step became due: more people may approve.</summary>
    public const string ApprovalEscalated = "approval_escalated";

    /// <summary>An admin acts alone, with a reason.</summary>
    public const string ApprovalBreakGlass = "approval_break_glass";

    /// <summary>Another admin looked at what one did alone.</summary>
    public const string BreakGlassReviewed = "break_glass_reviewed";

    /// <summary>Enough people approved.</summary>
    public const string ApprovalGranted = "approval_granted";

    /// <summary>Somebody denied.</summary>
    public const string ApprovalDenied = "approval_denied";

    /// <summary>Nobody decided in time.</summary>
    public const string ApprovalExpired = "approval_expired";

    /// <summary>Withdrawn before it ran.</summary>
    public const string ApprovalCancelled = "approval_cancelled";

    /// <summary>A click that the rules refuse.</summary>
    public const string ApprovalRefused = "approval_refused";

    /// <summary>A secret was fetched: reference and outcome, never a value.</summary>
    public const string SecretAccessed = "secret_accessed";

    /// <summary>A short-lived credential was minted of a secret: which integration and reference, for how long; never a value.</summary>
    public const string TokenMinted = "token_minted";

    /// <summary>A request from outside that was refused at the door.</summary>
    public const string RequestRefused = "request_refused";

    /// <summary>A refusal that looks like an attack from inside a sandbox; one row per kind, sandbox and minute.</summary>
    public const string SecurityAlert = "security_alert";

    /// <summary>A person may not do what they asked for.</summary>
    public const string AccessDenied = "access_denied";
}
