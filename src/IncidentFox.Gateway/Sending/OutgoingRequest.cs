using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Sending;

/// <summary>A request as it will be sent, credential excepted: built from a <see cref="ToolCall"/> by its rule, never copied from what came in.</summary>
public sealed record OutgoingRequest
{
    /// <summary>Where to.</summary>
    public required Integration Integration { get; init; }

    /// <summary>HTTP method.</summary>
    public required string Method { get; init; }

    /// <summary>The base URL's path, the rule's path and the query: already encoded, to be sent byte for byte.</summary>
    public required string PathAndQuery { get; init; }

    /// <summary>From the rule.</summary>
    public required IReadOnlyList<(string Name, string Value)> Headers { get; init; }

    /// <summary>Of the body; null without one.</summary>
    public string? ContentType { get; init; }

    /// <summary>The body; null without one.</summary>
    public byte[]? Body { get; init; }

    /// <summary>True: the write credential (writes and their dry runs); false: the read credential.</summary>
    public required bool UseWriteCredential { get; init; }

    /// <summary>How it is spoken.</summary>
    public RuleTransport Transport { get; init; }

    /// <summary>What it was built from.</summary>
    public required ToolCall Call { get; init; }
}
