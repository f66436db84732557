using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules;

/// <summary>What is read before people are asked, and goes into the frozen request.</summary>
public sealed record Precondition
{
    /// <summary>A read of the same integration.</summary>
    public required string Tool { get; init; }

    /// <summary>Its arguments; texts are templates of the call's parameters.</summary>
    public required JsonObject Arguments { get; init; }

    /// <summary>What to take from the answer, in order; frozen with the request.</summary>
    public required IReadOnlyList<Capture> Captures { get; init; }

    /// <summary>What approvers are shown of the answer and what is not frozen, because it changes by itself: a phase, a number of ready pods.</summary>
    public IReadOnlyList<Capture> Seen { get; init; } = [];

    /// <summary>States of the target in which it makes no sense to ask people.</summary>
    public IReadOnlyList<TargetRefusal> Refusals { get; init; } = [];

    /// <summary>A class that makes what pointers can't; null: none.</summary>
    public DerivationUse? Derivation { get; init; }

    /// <summary>Captures that are read again right before the request is sent, and must be the same: for targets that can't be asked to check them.</summary>
    public IReadOnlyList<string> Hold { get; init; } = [];
}

/// <summary>A state of the target in which the action is not asked for.</summary>
/// <param name="When">All must hold of the read's answer.</param>
/// <param name="Sentence">For the agent and for people.</param>
public sealed record TargetRefusal(IReadOnlyList<ProofCondition> When, string Sentence);

/// <summary>Which class derives, and the reads it may use.</summary>
/// <param name="Name">One of <see cref="Execution.Derivations.KnownDerivations.All"/>.</param>
/// <param name="Reads">Reads of the same integration, in the order that the class states.</param>
public sealed record DerivationUse(string Name, IReadOnlyList<string> Reads);

/// <summary>One value taken from an answer; it is <c>{precondition.NAME}</c> in templates, or <c>{seen.NAME}</c> when it is not frozen.</summary>
/// <param name="Name">1 to 64 of <c>a-z 0-9 _</c>.</param>
/// <param name="Pointer">JSON pointer (RFC 6901) into the answer.</param>
/// <param name="HasDefault">True: a value that is not there becomes <paramref name="Default"/>. False: without it the action is refused.</param>
/// <param name="Default">May be null: JSON null.</param>
public sealed record Capture(string Name, string Pointer, bool HasDefault, JsonNode? Default);

/// <summary>What turns the call into a question. Where the target looks for it differs (a Kubernetes DELETE with a body ignores the query).</summary>
public sealed record DryRun
{
    /// <summary>Members that are merged into the body's top level (which is an object then).</summary>
    public JsonObject? BodyMembers { get; init; }

    /// <summary>Query keys that are added.</summary>
    public IReadOnlyList<RuleHeader> Query { get; init; } = [];

    /// <summary>Fields that are added to the form.</summary>
    public IReadOnlyList<RuleHeader> Form { get; init; } = [];

    /// <summary>The status that says that it would work, where that is none of 2xx (EC2 answers 412); null: any of 2xx does.</summary>
    public int? Status { get; init; }

    /// <summary>Whether an answer says that the call would work.</summary>
    public bool Accepts(int status) => Status is { } only ? status == only : status is >= 200 and < 300;
}

/// <summary>What approvers are shown. Every text is a template.</summary>
public sealed record EffectTemplate
{
    /// <summary>What would happen, in a sentence.</summary>
    public required string Title { get; init; }

    /// <summary>Label and value.</summary>
    public IReadOnlyList<FactTemplate> Facts { get; init; } = [];

    /// <summary>What changes.</summary>
    public IReadOnlyList<ChangeTemplate> Changes { get; init; } = [];
}

/// <summary>One line of facts.</summary>
public sealed record FactTemplate(string Label, string Value);

/// <summary>One value before and after.</summary>
public sealed record ChangeTemplate(string What, string Before, string After);

/// <summary>How to see whether a call ran: a read and what its answer means.</summary>
public sealed record ProofOfEffect
{
    /// <summary>A read of the same integration.</summary>
    public required string Tool { get; init; }

    /// <summary>Its arguments; texts are templates.</summary>
    public required JsonObject Arguments { get; init; }

    /// <summary>The first whose conditions all hold decides; when none does, it is unknown.</summary>
    public required IReadOnlyList<ProofRule> Rules { get; init; }
}

/// <summary>What an answer means.</summary>
/// <param name="When">All must hold.</param>
/// <param name="Then">And then this is so.</param>
public sealed record ProofRule(IReadOnlyList<ProofCondition> When, ProofVerdict Then);

/// <summary>What a proof says.</summary>
public enum ProofVerdict
{
    /// <summary>It ran.</summary>
    Done,

    /// <summary>It did not run, and may be sent.</summary>
    NotDone,
}

/// <summary>How a condition looks at the answer.</summary>
public enum ProofTest
{
    /// <summary>The answer's status is <see cref="ProofCondition.Status"/>.</summary>
    StatusIs,

    /// <summary>The value at the pointer equals <see cref="ProofCondition.Value"/>.</summary>
    Equals,

    /// <summary>There is a value and it is another one.</summary>
    NotEquals,

    /// <summary>There is a value that is not null.</summary>
    Exists,

    /// <summary>There is none, or null.</summary>
    Absent,

    /// <summary>Some text below the pointer has the text of <see cref="ProofCondition.Value"/> in it.</summary>
    Contains,
}

/// <summary>One condition. Those with a pointer hold only for a 2xx answer with a JSON body.</summary>
public sealed record ProofCondition
{
    /// <summary>How it looks.</summary>
    public required ProofTest Test { get; init; }

    /// <summary>With <see cref="ProofTest.StatusIs"/>.</summary>
    public int Status { get; init; }

    /// <summary>JSON pointer (RFC 6901); null with <see cref="ProofTest.StatusIs"/>.</summary>
    public string? Pointer { get; init; }

    /// <summary>A template; whole-text placeholders keep their type.</summary>
    public JsonNode? Value { get; init; }
}
