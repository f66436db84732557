using System.Text.Json.Serialization;

namespace IncidentFox.Contracts;

/// <summary>Anything the two sides say to each other. On the wire: <c>{"v":1,"type":"hello",...}</c>.</summary>
public abstract record Message
{
    /// <summary>Protocol version, <see cref="Protocol.Version"/>.</summary>
    [JsonPropertyName("v"), JsonPropertyOrder(-2)]
    public int V { get; init; } = Protocol.Version;

    /// <summary>The message's name, fixed per type.</summary>
    [JsonPropertyName("type"), JsonPropertyOrder(-1)]
    public abstract string Type { get; }
}
