using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;

namespace IncidentFox.Gateway.Execution.Derivations;

/// <summary>
/// Makes what a rule needs and pointers can't give: a patch out of two objects, a number of pods. It reads, through the target that it is given, and changes
/// nothing. A rule names it under <c>precondition.derive</c>.
/// </summary>
public interface IDerivation
{
    /// <summary>As rules name it.</summary>
    string Name { get; }

    /// <summary>What it reads with, for people; a rule names a read for each, in this order.</summary>
    IReadOnlyList<string> Reads { get; }

    /// <summary>Parameters that decide what it makes, and so need stand nowhere in the request itself.</summary>
    IReadOnlyList<string> Parameters => [];

    /// <summary>Values that are frozen with the request: <c>{precondition.NAME}</c>.</summary>
    IReadOnlyList<string> Frozen { get; }

    /// <summary>Values that are only shown: <c>{seen.NAME}</c>.</summary>
    IReadOnlyList<string> Seen { get; }

    /// <summary>Derives. An expected failure is a refusal; a shown value that can't be had is said to be unknown.</summary>
    Task<Derived> DeriveAsync(ReadTarget target, CancellationToken cancellationToken);
}

/// <summary>What was derived.</summary>
public sealed record Derived
{
    /// <summary>Why it makes no sense to ask people; null: it does.</summary>
    public string? Refusal { get; init; }

    /// <summary>By the names that the class states.</summary>
    public JsonObject Frozen { get; init; } = [];

    /// <summary>By the names that the class states.</summary>
    public JsonObject Seen { get; init; } = [];

    /// <summary>Shown after the rule's own changes.</summary>
    public IReadOnlyList<EffectChange> Changes { get; init; } = [];

    /// <summary>Nobody is asked.</summary>
    public static Derived Refused(string sentence) => new() { Refusal = sentence };
}

/// <summary>A target that was read, and a way to read on.</summary>
/// <param name="Call">The call.</param>
/// <param name="Answer">What the precondition's read answered.</param>
/// <param name="Read">Asks with the read at this place among those that the rule names; null: no usable answer.</param>
public sealed record ReadTarget(ToolCall Call, JsonNode Answer, Func<int, JsonObject, Task<JsonNode?>> Read);

/// <summary>All of them.</summary>
public static class KnownDerivations
{
    /// <summary>In the order in which they are documented.</summary>
    public static IReadOnlyList<IDerivation> All { get; } =
        [new PodsOfOwner(), new PodsOfDeployment(), new PodsOfNode(), new DeploymentRollback(), new MatchingAlerts()];

    /// <summary>One by its name; null when there is none.</summary>
    public static IDerivation? Find(string name) => All.FirstOrDefault(d => d.Name == name);
}
