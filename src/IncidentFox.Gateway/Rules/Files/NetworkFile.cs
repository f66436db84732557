using System.Net;

namespace IncidentFox.Gateway.Rules.Files;

// Where an integration may be, and whom to believe there. A shipped file has no say in it.
internal static class NetworkFile
{
    public static NetworkSettings Read(YamlMap? map)
    {
        if (map is null)
            return new();
        var read = new NetworkSettings
        {
            AllowedRanges = Ranges(map),
            CaFile = AbsolutePath(map, "ca_file"),
            MinTls = Version(map),
            ServerName = Name(map),
        };
        map.Done();
        return read;
    }

    private static List<IPNetwork> Ranges(YamlMap map)
    {
        var ranges = new List<IPNetwork>();
        foreach (var (text, i) in map.Texts("allow").Select((t, i) => (t, i)))
        {
            // Bits after the prefix are somebody's slip: a range that is wider than what was meant.
            if (IPNetwork.TryParse(text.Contains('/') ? text : text + (text.Contains(':') ? "/128" : "/32"), out var range)
                && IPAddress.TryParse(text.Split('/')[0], out var address) && address.Equals(range.BaseAddress))
                ranges.Add(range);
            else
                map.Error("allow", $"[{i}] must be an address or a range such as 10.0.0.0/8 (without bits after the prefix)");
        }
        return ranges;
    }

    private static string? AbsolutePath(YamlMap map, string key)
    {
        var path = map.Text(key);
        if (path is null || (path.StartsWith('/') && Path.GetFullPath(path) == path))
            return path;
        map.Error(key, "must be an absolute path without '..'");
        return null;
    }

    private static MinTls Version(YamlMap map)
    {
        switch (map.Text("min_tls"))
        {
            case null or "1.2":
                return MinTls.Tls12;
            case "1.3":
                return MinTls.Tls13;
            default:
                map.Error("min_tls", "must be \"1.2\" or \"1.3\", in quotes");
                return MinTls.Tls13;
        }
    }

    private static string? Name(YamlMap map)
    {
        var name = map.Text("server_name");
        if (name is null || (Uri.CheckHostName(name) == UriHostNameType.Dns && HostNotation.IsPlainName(name)))
            return name;
        map.Error("server_name", "must be the DNS name that the target's certificate is for, in lower case and without a trailing dot");
        return null;
    }
}

// Ways to write a host that don't look like what they are: another way to write an address passes a reader's eye, and a name with a dot at
// its end is the same host to DNS and another one to certificates and to the check for overlapping origins.
internal static class HostNotation
{
    /// <summary>What is wrong with how the host is written; null: nothing.</summary>
    public static string? Problem(string text, Uri uri)
    {
        var authority = text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..];
        var end = authority.IndexOf('/');
        authority = end < 0 ? authority : authority[..end];
        if (uri.HostNameType == UriHostNameType.IPv6)
        {
            return IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && address.IsIPv4MappedToIPv6
                ? "has an IPv4 address in IPv6 notation: write the IPv4 address"
                : null;
        }
        var colon = authority.LastIndexOf(':');
        var host = colon < 0 ? authority : authority[..colon];
        if (uri.HostNameType == UriHostNameType.IPv4)
            return host == uri.Host ? null : "has an address that is not written as four decimal numbers, such as 10.0.0.1";
        return uri.HostNameType == UriHostNameType.Dns && IsPlainName(host.ToLowerInvariant())
            ? null
            : "has a host that is no plain DNS name: letters, digits and hyphens, no dot at the end, other scripts as punycode (xn--...), an address in decimal";
    }

    /// <summary>Whether it can only be read as what it is. A last label of digits would be taken for an address by some resolvers.</summary>
    public static bool IsPlainName(string name)
    {
        var labels = name.Split('.');
        return name.Length <= 253 && labels.All(l => l.Length is >= 1 and <= 63 && l[0] != '-' && l[^1] != '-' && l.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_'))
            && !char.IsAsciiDigit(labels[^1][0]);
    }
}
