using System.Text.Json.Serialization;

namespace IncidentFox.Contracts;

/// <summary>What the agent streams while it works. Everything in it is the agent's word and is labelled so where it is shown.</summary>
public sealed record EventBatch : Message
{
    /// <inheritdoc />
    public override string Type => "events";

    /// <summary>1 to 50 events, sequences rising.</summary>
    public required IReadOnlyList<AgentEvent> Events { get; init; }
}

/// <summary>One event. On the wire its <c>event</c> member names it.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(PlanEvent), "plan")]
[JsonDerivedType(typeof(StepEvent), "step")]
[JsonDerivedType(typeof(ReportEvent), "report")]
[JsonDerivedType(typeof(NoticeEvent), "notice")]
[JsonDerivedType(typeof(ParkedEvent), "parked")]
public abstract record AgentEvent
{
    /// <summary>Rises by one within a sandbox, from 1; makes sending twice harmless.</summary>
    public required long Sequence { get; init; }

    /// <summary>The agent's clock.</summary>
    public required DateTimeOffset At { get; init; }
}

/// <summary>What the agent means to look at, in order.</summary>
public sealed record PlanEvent : AgentEvent
{
    /// <summary>1 to 12 steps.</summary>
    public required IReadOnlyList<PlannedStep> Steps { get; init; }
}

/// <summary>One line of the plan.</summary>
/// <param name="Id">Stable within the investigation.</param>
/// <param name="Title">At most 120 characters.</param>
public sealed record PlannedStep(string Id, string Title);

/// <summary>A step began or ended.</summary>
public sealed record StepEvent : AgentEvent
{
    /// <summary>A step of the plan, or a new one.</summary>
    public required string Id { get; init; }

    /// <summary>At most 120 characters.</summary>
    public required string Title { get; init; }

    /// <summary>Where it stands.</summary>
    public required StepState State { get; init; }

    /// <summary>What came of it, or why it failed. At most 300 characters.</summary>
    public string? Note { get; init; }
}

/// <summary>Where a step stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StepState>))]
public enum StepState
{
    /// <summary>Being looked at.</summary>
    [JsonStringEnumMemberName("in_progress")] InProgress,

    /// <summary>Looked at.</summary>
    [JsonStringEnumMemberName("done")] Done,

    /// <summary>Could not be looked at; the note says why.</summary>
    [JsonStringEnumMemberName("failed")] Failed,
}

/// <summary>The report, whole. A later one replaces it.</summary>
public sealed record ReportEvent : AgentEvent
{
    /// <summary>What is known.</summary>
    public required Report Report { get; init; }

    /// <summary>True: the investigation is over and the sandbox can go.</summary>
    public required bool Final { get; init; }
}

/// <summary>News worth a reply in the thread, e.g. that the action's effect was seen.</summary>
public sealed record NoticeEvent : AgentEvent
{
    /// <summary>At most 600 characters.</summary>
    public required string Text { get; init; }
}

/// <summary>The agent stops waiting for a decision and exits; a fresh sandbox checks the effect afterwards.</summary>
public sealed record ParkedEvent : AgentEvent
{
    /// <summary>The approval it waited on.</summary>
    public required string ApprovalId { get; init; }
}
