using System.Text.Json.Nodes;

namespace IncidentFox.Core.Tools;

/// <summary>What a tool does to the world. Unstated in a rule means <see cref="Write"/>.</summary>
public enum ToolEffect
{
    /// <summary>Looks only.</summary>
    Read,

    /// <summary>Changes something.</summary>
    Write,

    /// <summary>Runs a command somewhere.</summary>
    Exec,
}

/// <summary>
/// One typed call, parsed by a rule from whatever came through a door. It is all that policy, audit and execution look at; the request that
/// goes out is rebuilt from it and never copied from what came in.
/// </summary>
public sealed record ToolCall
{
    /// <summary>The integration's name, e.g. <c>kubernetes</c>.</summary>
    public required string Integration { get; init; }

    /// <summary>The rule's tool, e.g. <c>get_pod_logs</c>.</summary>
    public required string Tool { get; init; }

    /// <summary>From the rule.</summary>
    public required ToolEffect Effect { get; init; }

    /// <summary>SHA-256 (hex) of the rule's canonical form: a changed rule is another version.</summary>
    public required string RuleVersion { get; init; }

    /// <summary>Typed by the rule: strings, integers, numbers, booleans, lists of strings. Absent ones are not there.</summary>
    public required JsonObject Parameters { get; init; }
}
