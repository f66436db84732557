using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;

namespace IncidentFox.Gateway.Rules;

/// <summary>How a rule's request is spoken.</summary>
public enum RuleTransport
{
    /// <summary>A request and an answer.</summary>
    Http,

    /// <summary>
    /// Kubernetes' streams over a WebSocket (<c>v5.channel.k8s.io</c>): the command's output and exit code are the answer. Nothing is sent to the command.
    /// </summary>
    KubernetesExec,
}

/// <summary>
/// One thing that may be done to an integration. It says which requests mean it, which arguments it takes and how the request that goes out is built:
/// nothing of what came in is copied, everything is built from typed arguments.
/// </summary>
public sealed record ToolRule
{
    /// <summary>The tool's name, unique among a team's integrations: 1 to 64 of <c>a-z 0-9 _</c>.</summary>
    public required string Tool { get; init; }

    /// <summary>
    /// Other names of the same tool, at most <see cref="MostOtherNames"/>: a call by one of them is a call of this tool, under its own name from then on, and what
    /// policy says of any of the names holds. Whoever restricts one name can't be got around by another.
    /// </summary>
    public IReadOnlyList<string> OtherNames { get; init; } = [];

    /// <summary>Most of <see cref="OtherNames"/>.</summary>
    public const int MostOtherNames = 4;

    /// <summary>All that it may be called by.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<string> Names => [Tool, .. OtherNames];

    /// <summary>What it does, for a model or a person.</summary>
    public required string Description { get; init; }

    /// <summary>What it does to the world; unstated in a file means write.</summary>
    public required ToolEffect Effect { get; init; }

    /// <summary><c>GET, POST, PUT, PATCH, DELETE</c>.</summary>
    public required string Method { get; init; }

    /// <summary>The path below the base URL, segment by segment.</summary>
    public required IReadOnlyList<PathSegment> Path { get; init; }

    /// <summary>True: the path ends with a slash, and is sent and accepted with it only.</summary>
    public bool TrailingSlash { get; init; }

    /// <summary>Query keys, in the order in which they are sent.</summary>
    public IReadOnlyList<RuleField> Query { get; init; } = [];

    /// <summary>Request headers that are sent as they stand here; the base-URL door accepts a client's values for these names only.</summary>
    public IReadOnlyList<RuleHeader> Headers { get; init; } = [];

    /// <summary>What it takes.</summary>
    public IReadOnlyList<ToolParameter> Parameters { get; init; } = [];

    /// <summary>JSON with placeholders; null: no JSON body. See <see cref="Template"/>.</summary>
    public JsonNode? Body { get; init; }

    /// <summary>The body as <c>application/x-www-form-urlencoded</c>, fields in the order in which they are sent; null: none.</summary>
    public IReadOnlyList<RuleField>? Form { get; init; }

    /// <summary>Most bytes of a body that is passed on as it is (<c>body: opaque</c>); null: it is no such body. Never with a body or a form.</summary>
    public int? OpaqueBytes { get; init; }

    /// <summary>How it is spoken to its target.</summary>
    public RuleTransport Transport { get; init; }

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

    /// <summary>What must hold of a 2xx answer for the call to have run; empty: the status says it.</summary>
    public IReadOnlyList<ProofCondition> Success { get; init; } = [];

    /// <summary>How to see afterwards whether it ran; null: that can't be seen.</summary>
    public ProofOfEffect? Proof { get; init; }

    /// <summary>SHA-256 (hex) of the rule's canonical form, defaults filled in: a changed rule is another version.</summary>
    public required string Version { get; init; }
}
