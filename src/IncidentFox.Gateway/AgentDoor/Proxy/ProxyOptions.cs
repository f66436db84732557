using IncidentFox.Secrets;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>The HTTPS forward-proxy door, section <c>Gateway:Proxy</c>. See docs/proxy-door.md.</summary>
public sealed class ProxyOptions
{
    /// <summary>Whether there is one. Default false: sandboxes use <c>/tools</c> and <c>/i</c>.</summary>
    public bool Enabled { get; init; }

    /// <summary>
    /// Where the installation's own certificate authority is kept, one file that only the gateway's user may read; made when it is missing.
    /// Default <c>/var/lib/incidentfox/proxy</c>.
    /// </summary>
    public string CaDirectory { get; init; } = "/var/lib/incidentfox/proxy";

    /// <summary>Instead of the directory: a reference to a secret with the authority's certificate and private key (PEM).</summary>
    public string? Ca { get; init; }

    /// <summary>From accepting a <c>CONNECT</c> to the end of the TLS handshake, seconds. Default 10.</summary>
    public int HandshakeSeconds { get; init; } = 10;

    internal IEnumerable<string> Validate(string section)
    {
        if (!Enabled)
            yield break;
        if (HandshakeSeconds is < 1 or > 60)
            yield return $"{section}:{nameof(HandshakeSeconds)} is {HandshakeSeconds}: set it from 1 to 60.";
        if (Ca is not null && !SecretReference.TryParse(Ca, out _, out _))
            yield return $"{section}:{nameof(Ca)} is no secret reference: write it as keyvault://vault/name, or leave it out and set {nameof(CaDirectory)}.";
        if (Ca is null && (!CaDirectory.StartsWith('/') || Path.GetFullPath(CaDirectory) != CaDirectory || CaDirectory == "/"))
            yield return $"{section}:{nameof(CaDirectory)} is not an absolute path: write it as /var/lib/incidentfox/proxy, without '..' and without a slash at the end.";
    }
}
