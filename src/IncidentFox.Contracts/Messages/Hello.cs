namespace IncidentFox.Contracts;

/// <summary>The first thing an agent says: who it is and that it is caged.</summary>
public sealed record AgentHello : Message
{
    /// <inheritdoc />
    public override string Type => "hello";

    /// <summary>The agent's own version, for logs.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>What it tried to reach and how that went; at least one probe of each <see cref="CageProbe.Kind"/> must be refused.</summary>
    public required IReadOnlyList<CageProbe> Cage { get; init; }
}

/// <summary>One address that must be out of reach from a sandbox.</summary>
/// <param name="Kind">What it stands for: <c>loopback</c>, <c>metadata</c>, <c>outside</c>, <c>dns</c>, <c>private</c>, <c>ipv6</c>; <c>told</c> for what the sandbox was told to try as well.</param>
/// <param name="Target">Address and port.</param>
/// <param name="Reached">True when a connection or an answer came: the sandbox is not a cage.</param>
/// <param name="Detail">The operating system's word, e.g. <c>NetworkUnreachable</c>. At most 200 characters.</param>
public sealed record CageProbe(string Kind, string Target, bool Reached, string Detail);

/// <summary>The gateway's answer to a good hello.</summary>
public sealed record AgentWelcome : Message
{
    /// <inheritdoc />
    public override string Type => "welcome";

    /// <summary>The sandbox as the gateway knows it.</summary>
    public required string SandboxId { get; init; }
}
