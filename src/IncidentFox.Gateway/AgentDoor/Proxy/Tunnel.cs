using System.Globalization;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>
/// Put on the connection inside a <c>CONNECT</c>: where it leads, and how far it came. It names the only place that requests in it may be for.
/// </summary>
internal sealed class Tunnel(ConnectHead target)
{
    private static readonly IdnMapping Names = new();
    private int _requests;

    public string Host { get; } = target.Host;

    public int Port { get; } = target.Port;

    public string Authority { get; } = target.Authority;

    /// <summary>What the certificate is for: the name, or the address without brackets.</summary>
    public string CertificateName => Host.Trim('[', ']');

    /// <summary>Why it was closed, when the gateway closed it.</summary>
    public (string Code, string Sentence)? Problem { get; set; }

    /// <summary>TLS stands.</summary>
    public bool IsSecure { get; set; }

    /// <summary>The client said something inside.</summary>
    public bool HasSpoken { get; set; }

    /// <summary>Whether any of it was a request.</summary>
    public bool HasRequests => Volatile.Read(ref _requests) > 0;

    public void CountRequest() => Interlocked.Increment(ref _requests);

    /// <summary>Whether a client that says this in its handshake means this place. For an address nothing is said (RFC 6066, 3).</summary>
    public bool IsNamedBy(string? serverName)
    {
        if (System.Net.IPAddress.TryParse(CertificateName, out _))
            return string.IsNullOrEmpty(serverName);
        if (string.IsNullOrEmpty(serverName))
            return false;
        try
        {
            // The handshake's name was turned into Unicode on its way here.
            return string.Equals(serverName, Host, StringComparison.OrdinalIgnoreCase) || string.Equals(Names.GetAscii(serverName), Host, StringComparison.OrdinalIgnoreCase);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>What to write down about its end; null when it was an ordinary one.</summary>
    public (string Code, string Sentence)? Verdict()
    {
        if (Problem is not null)
            return Problem;
        if (!IsSecure)
            return ("tls_failed", "The TLS handshake in the tunnel failed: it needs TLS 1.2 or 1.3, HTTP/1.1 or HTTP/2, and a client that believes the proxy door's ca.pem.");
        return HasSpoken && !HasRequests ? ("not_http", "What came through the tunnel was not HTTP/1.1 or HTTP/2.") : null;
    }
}
