using System.Globalization;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>The head of a <c>CONNECT</c> (RFC 9110, 9.3.6): where to, and nothing that could mean something else to somebody else.</summary>
/// <param name="Host">In lower case; an IPv6 address in brackets.</param>
/// <param name="Port">1 to 65535.</param>
internal sealed record ConnectHead(string Host, int Port)
{
    /// <summary>Longest head in bytes, its empty line included.</summary>
    public const int MaxBytes = 8 * 1024;

    private const int MaxHeaders = 40;

    // A body, another protocol, or a credential: the socket says who it is.
    private static readonly HashSet<string> Refused = new(StringComparer.OrdinalIgnoreCase)
    {
        "content-length", "transfer-encoding", "trailer", "te", "upgrade", "expect", "proxy-authorization", "authorization", "cookie",
    };

    /// <summary>What a URL would say.</summary>
    public string Authority => $"{Host}:{Port.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Reads it.</summary>
    /// <param name="head">One character per byte, without the empty line at its end.</param>
    public static (ConnectHead? Head, RequestProblem? Problem) Parse(string head)
    {
        var lines = head.Split("\r\n");
        if (lines.Any(l => l.Any(c => c is not ('\t' or (>= ' ' and <= '~')))))
            return Bad("The CONNECT has bytes in it that are not printable ASCII, or a line that does not end with CR and LF.");
        if (lines[0].Split(' ') is not ["CONNECT", var authority, var version])
            return Bad("The CONNECT is not written as CONNECT host:port HTTP/1.1.");
        // Older clients still say 1.0 here. A CONNECT means the same in both; what follows inside does not.
        if (version is not ("HTTP/1.1" or "HTTP/1.0"))
            return (null, new(505, "bad_request", "A CONNECT is HTTP/1.1."));
        if (lines.Length - 1 > MaxHeaders)
            return Bad($"The CONNECT has more than {MaxHeaders} headers.");
        if (Target(authority) is not { } target)
            return Bad("The CONNECT's target is not host:port, with a name or an address and a port of 1 to 65535 in plain digits.");
        string? host = null;
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':');
            if (colon < 1 || line[..colon].Any(c => !char.IsAsciiLetterOrDigit(c) && !"!#$%&'*+-.^_`|~".Contains(c)))
                return Bad("The CONNECT has a line that is no header.");
            var name = line[..colon];
            if (Refused.Contains(name))
                return Bad($"A CONNECT with the header {name} is not accepted.");
            if (!name.Equals("host", StringComparison.OrdinalIgnoreCase))
                continue;
            if (host is not null)
                return Bad("The CONNECT has more than one Host.");
            host = line[(colon + 1)..].Trim(' ', '\t');
        }
        if (host is null ? version == "HTTP/1.1" : !IsAt(host, target.Host, target.Port))
            return Bad("The CONNECT's Host is not its target.");
        return (target, null);
    }

    /// <summary>Whether a Host header or :authority names this place; https's own port may be left out.</summary>
    public static bool IsAt(string host, string expected, int port) =>
        host.Equals($"{expected}:{port.ToString(CultureInfo.InvariantCulture)}", StringComparison.OrdinalIgnoreCase)
        || (port == 443 && host.Equals(expected, StringComparison.OrdinalIgnoreCase));

    private static ConnectHead? Target(string authority)
    {
        var colon = authority.LastIndexOf(':');
        if (colon is < 1 or > 260)
            return null;
        string host = authority[..colon], port = authority[(colon + 1)..];
        if (port.Length is 0 or > 5 || port[0] == '0' || !port.All(char.IsAsciiDigit) || int.Parse(port, CultureInfo.InvariantCulture) is var number && number > 65535)
            return null;
        var isName = host.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_');
        var isAddress = host is ['[', .., ']'] && host.AsSpan(1, host.Length - 2).IndexOfAnyExcept("0123456789abcdefABCDEF:.") < 0;
        return isName || isAddress ? new(host.ToLowerInvariant(), number) : null;
    }

    private static (ConnectHead?, RequestProblem?) Bad(string sentence) => (null, new(400, "bad_request", sentence));
}
