using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;

namespace IncidentFox.Gateway.Rules;

/// <summary>
/// One thing that may be done to an integration. It says which requests mean it, which arguments it takes and how the request that goes out is built:
/// nothing of what came in is copied, everything is built from typed arguments.
/// </summary>
public sealed record ToolRule
{
    /// <summary>The tool's name, unique among a team's integrations: 1 to 64 of <c>a-z 0-9 _</c>.</summary>
    public required string Tool { get; init; }

    /// <summary>What it does, for a model or a person.</summary>
    public required string Description { get; init; }

    /// <summary>What it does to the world; unstated in a file means write.</summary>
    public required ToolEffect Effect { get; init; }

    /// <summary><c>GET, POST, PUT, PATCH, DELETE</c>.</summary>
    public required string Method { get; init; }

    /// <summary>The path below the base URL, segment by segment.</summary>
    public required IReadOnlyList<PathSegment> Path { get; init; }

    /// <summary>Query keys, in the order in which they are sent.</summary>
    public IReadOnlyList<QueryKey> Query { get; init; } = [];

    /// <summary>Request headers that are sent as they stand here; the base-URL door accepts a client's values for these names only.</summary>
    public IReadOnlyList<RuleHeader> Headers { get; init; } = [];

    /// <summary>What it takes.</summary>
    public IReadOnlyList<ToolParameter> Parameters { get; init; } = [];

    /// <summary>JSON with placeholders; null: no body. See <see cref="Template"/>.</summary>
    public JsonNode? Body { get; init; }

    /// <summary>Of the body.</summary>
    public string ContentType { get; init; } = "application/json";

    /// <summary>JSON pointer (RFC 6901) to the array whose length is the row count, or <c>lines</c> for text; null: rows are not counted.</summary>
    public string? RowCountPointer { get; init; }

    /// <summary>False: may be called, but is not offered to agents (what kubectl asks on its own).</summary>
    public bool Listed { get; init; } = true;

    /// <summary>What the audit trail calls the data behind it, e.g. <c>kubernetes/pods</c>.</summary>
    public required string DataSource { get; init; }

    /// <summary>What is read first and must still hold when the call runs.</summary>
    public Precondition? Precondition { get; init; }

    /// <summary>How to ask the target what would happen; null: it can't be asked.</summary>
    public DryRun? DryRun { get; init; }

    /// <summary>What approvers are shown; required for everything that is not a read.</summary>
    public EffectTemplate? Preview { get; init; }

    /// <summary>How to see afterwards whether it ran; null: that can't be seen.</summary>
    public ProofOfEffect? Proof { get; init; }

    /// <summary>SHA-256 (hex) of the rule's canonical form, defaults filled in: a changed rule is another version.</summary>
    public required string Version { get; init; }
}

/// <summary>One segment of a path: a literal or a parameter.</summary>
/// <param name="Literal">Sent as it stands; null for a parameter.</param>
/// <param name="Parameter">The parameter's name; null for a literal.</param>
public readonly record struct PathSegment(string? Literal, string? Parameter);

/// <summary>One query key.</summary>
/// <param name="Key">As sent.</param>
/// <param name="Parameter">The parameter that is its value; null when <paramref name="Literal"/> is. Left out when the parameter is absent.</param>
/// <param name="Literal">A value that is always sent.</param>
/// <param name="IsList">The parameter is a list: the key is sent once per item. Otherwise once at most.</param>
/// <param name="Ignored">The base-URL door accepts the key from clients and drops it, e.g. kubectl's <c>limit</c>. Never sent.</param>
public sealed record QueryKey(string Key, string? Parameter, string? Literal, bool IsList, bool Ignored);

/// <summary>A header that is sent with this value.</summary>
/// <param name="Name">Header name.</param>
/// <param name="Value">Sent as it stands: a rule's word, never a client's.</param>
public sealed record RuleHeader(string Name, string Value);

/// <summary>What a parameter holds.</summary>
public enum ParameterType
{
    /// <summary>Text.</summary>
    String,

    /// <summary>A whole number within ±2^53.</summary>
    Integer,

    /// <summary>A finite number.</summary>
    Number,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>A list of texts.</summary>
    StringList,
}

/// <summary>One parameter of a tool.</summary>
public sealed record ToolParameter
{
    /// <summary>1 to 64 of <c>a-z 0-9 _</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What it holds.</summary>
    public required ParameterType Type { get; init; }

    /// <summary>For a model or a person.</summary>
    public required string Description { get; init; }

    /// <summary>False: may be left out, and then <see cref="Default"/> holds, or nothing.</summary>
    public bool Required { get; init; } = true;

    /// <summary>The value of a parameter that was left out; null: none.</summary>
    public JsonNode? Default { get; init; }

    /// <summary>The whole text, or each item, must match this (.NET syntax, matched without backtracking, anchored by the product).</summary>
    public string? Pattern { get; init; }

    /// <summary>The only values it may have; empty: any.</summary>
    public IReadOnlyList<string> Allowed { get; init; } = [];

    /// <summary>Smallest number.</summary>
    public decimal? Min { get; init; }

    /// <summary>Largest number.</summary>
    public decimal? Max { get; init; }

    /// <summary>Longest text or item, characters.</summary>
    public int MaxLength { get; init; } = 1_000;

    /// <summary>Most items of a list.</summary>
    public int MaxItems { get; init; } = 50;
}
