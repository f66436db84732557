using System.Text.Json.Nodes;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Tools;

namespace IncidentFox.Core.Policy;

/// <summary>What policy says of one call.</summary>
public abstract record ToolDecision
{
    private ToolDecision() { }

    /// <summary>It may run now.</summary>
    public sealed record Allow : ToolDecision;

    /// <summary>It stops until people agree under these terms.</summary>
    public sealed record NeedsApproval(Workflow Workflow) : ToolDecision;

    /// <summary>It does not run.</summary>
    /// <param name="Reason">A sentence a person can act on.</param>
    public sealed record Deny(string Reason) : ToolDecision;
}

/// <summary>What the decision looks at, apart from policy: of the agent's choosing are only the tool's name and the namespace, and both are what will be sent.</summary>
/// <param name="Tool">The tool's name.</param>
/// <param name="Effect">From its rule.</param>
/// <param name="LowestRequesterRole">The lowest role among all whose words reached the sandbox; none when no person asked.</param>
public readonly record struct ToolFacts(string Tool, ToolEffect Effect, Role LowestRequesterRole)
{
    /// <summary>The typed parameter that says in which namespace a call acts.</summary>
    public const string NamespaceParameter = "namespace";

    /// <summary>The integration whose tool it is; null for a part of the product itself (<c>model_turn</c>), which no name with a star means.</summary>
    public string? Integration { get; init; }

    /// <summary>What else the tool is called. An entry for any of its names speaks of it; where equally specific ones disagree, the stricter answer counts.</summary>
    public IReadOnlyList<string>? OtherNames { get; init; }

    /// <summary>Of <see cref="NamespaceParameter"/>; null: the call names none.</summary>
    public string? Namespace { get; init; }

    /// <summary>When; null: can't be told.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>
    /// True when the call is not made yet and its namespace is still open. Then the decision is the most open one that a namespace could get: for showing
    /// which tools there are, never for letting a call through.
    /// </summary>
    public bool AnyNamespace { get; init; }

    /// <summary>Whether a tool of this name is the one that is called.</summary>
    public bool IsCalled(string name) => name == Tool || OtherNames?.Contains(name, StringComparer.Ordinal) == true;

    /// <summary>The facts of a typed call.</summary>
    /// <param name="call">The call.</param>
    /// <param name="otherNames">Of its rule, see <see cref="OtherNames"/>.</param>
    /// <param name="lowestRequesterRole">The lowest role among those who asked.</param>
    /// <param name="at">When.</param>
    public static ToolFacts Of(ToolCall call, IReadOnlyList<string> otherNames, Role lowestRequesterRole, DateTimeOffset at) => new(call.Tool, call.Effect, lowestRequesterRole)
    {
        Integration = call.Integration,
        OtherNames = otherNames,
        Namespace = call.Parameters[NamespaceParameter] is JsonValue value && value.TryGetValue<string>(out var name) ? name : null,
        At = at,
    };
}
