using System.Text.Json.Serialization;

namespace IncidentFox.Contracts;

/// <summary>What happened, why, the evidence, what to do next. Bounded: it quotes excerpts, never whole results.</summary>
public sealed record Report
{
    /// <summary>What happened: the symptom, since when. At most 1,000 characters.</summary>
    public required string WhatHappened { get; init; }

    /// <summary>Why: the root cause in a sentence or two, or that none was found. At most 1,000 characters.</summary>
    public required string Why { get; init; }

    /// <summary>How sure.</summary>
    public required Confidence Confidence { get; init; }

    /// <summary>At most 10 pieces.</summary>
    public required IReadOnlyList<Evidence> Evidence { get; init; }

    /// <summary>What to do next, at most 6 lines of 300 characters.</summary>
    public required IReadOnlyList<string> NextSteps { get; init; }

    /// <summary>What could not be looked at and why: a report that could not see says so. At most 10 lines of 300 characters.</summary>
    public required IReadOnlyList<string> NotSeen { get; init; }

    /// <summary>How it was found, e.g. <c>built-in analyzers, no model</c>.</summary>
    public required string Method { get; init; }

    /// <summary>The action that was proposed, once there is one.</summary>
    public ProposedAction? Action { get; init; }
}

/// <summary>Something seen.</summary>
/// <param name="Statement">What it shows. At most 300 characters.</param>
/// <param name="Tool">The tool that showed it.</param>
/// <param name="Excerpt">A quote from the result, at most 600 characters.</param>
public sealed record Evidence(string Statement, string Tool, string? Excerpt = null);

/// <summary>What the agent asked to be done and how that ended.</summary>
/// <param name="Tool">The tool.</param>
/// <param name="Summary">In the agent's words. At most 300 characters.</param>
/// <param name="ApprovalId">Where people decide; absent when the gateway refused the call.</param>
/// <param name="Outcome">How it ended, in a sentence, once known.</param>
public sealed record ProposedAction(string Tool, string Summary, string? ApprovalId = null, string? Outcome = null);

/// <summary>How sure the agent is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Confidence>))]
public enum Confidence
{
    /// <summary>A guess worth checking.</summary>
    [JsonStringEnumMemberName("low")] Low,

    /// <summary>One source says so.</summary>
    [JsonStringEnumMemberName("medium")] Medium,

    /// <summary>Independent sources agree.</summary>
    [JsonStringEnumMemberName("high")] High,
}
