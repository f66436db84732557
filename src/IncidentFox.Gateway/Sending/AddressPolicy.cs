using System.Net;
using System.Net.Sockets;

namespace IncidentFox.Gateway.Sending;

/// <summary>
/// Which addresses may be connected to: public ones, and what the integration declares. Judged for the address that is connected to,
/// not for the name, so that a name whose answer changes gains nothing. What the registries of special addresses (IANA, RFC 6890)
/// don't call globally reachable is refused, not only what we know to be dangerous.
/// </summary>
public static class AddressPolicy
{
    // Where clouds hand out credentials. A range that merely includes one of them does not allow it: it must be declared by itself (/32, /128).
    private static readonly IPAddress[] Metadata =
    [
        IPAddress.Parse("169.254.169.254"),   // AWS, Azure, Google, Oracle, DigitalOcean, OpenStack
        IPAddress.Parse("169.254.170.2"),     // AWS ECS
        IPAddress.Parse("169.254.170.23"),    // AWS EKS pod identity
        IPAddress.Parse("168.63.129.16"),     // Azure's wire server, a public address
        IPAddress.Parse("100.100.100.200"),   // Alibaba
        IPAddress.Parse("192.0.0.192"),       // Oracle
        IPAddress.Parse("169.254.0.23"),      // Tencent
        IPAddress.Parse("169.254.42.42"),     // Scaleway
        IPAddress.Parse("fd00:42::42"),       // Scaleway
        IPAddress.Parse("fd00:ec2::254"),     // AWS
        IPAddress.Parse("fd00:ec2::23"),      // AWS EKS pod identity
        IPAddress.Parse("fd20:ce::254"),      // Google
    ];

    private static readonly IPNetwork[] NotPublicV4 = Networks(
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4");

    // Of IPv6 only 2000::/3 is in use for the public; these parts of it are not. 2002::/16 (6to4) carries an IPv4 address to a relay.
    private static readonly IPNetwork GlobalV6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] NotPublicV6 = Networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20");

    // NAT64 (RFC 6052): the public prefix is judged by the IPv4 address in it.
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");
    private static readonly IPNetwork CompatibleV4 = IPNetwork.Parse("::/96");

    // Nobody listens there: 0.0.0.0 and :: reach this machine, the others reach many.
    private static readonly IPNetwork[] Never = Networks("0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8");

    /// <summary>Whether the address may be connected to.</summary>
    /// <param name="address">As it will be connected to.</param>
    /// <param name="declared">The integration's ranges.</param>
    public static bool Allows(IPAddress address, IReadOnlyList<IPNetwork> declared)
    {
        var plain = Plain(address);
        var inside = Embedded(plain);
        if (IsIn(Never, plain) || (inside is not null && IsIn(Never, inside) && !IPAddress.IsLoopback(plain)))
            return false;
        if (IsMetadata(plain) || (inside is not null && IsMetadata(inside)))
            return declared.Any(r => r.BaseAddress.Equals(plain) && r.PrefixLength == (plain.AddressFamily == AddressFamily.InterNetwork ? 32 : 128));
        return IsDeclared(plain, declared) || IsPublic(plain);
    }

    /// <summary>Whether one of the ranges holds the address. An IPv4 address in IPv6 notation counts as what it is.</summary>
    public static bool IsDeclared(IPAddress address, IReadOnlyList<IPNetwork> declared)
    {
        var plain = Plain(address);
        return declared.Any(r => r.Contains(plain));
    }

    /// <summary>An IPv4 address in IPv6 notation as what it is.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static bool IsPublic(IPAddress address) => address.AddressFamily switch
    {
        AddressFamily.InterNetwork => !IsIn(NotPublicV4, address),
        AddressFamily.InterNetworkV6 when Nat64.Contains(address) => IsPublic(Embedded(address)!),
        AddressFamily.InterNetworkV6 => address.ScopeId == 0 && GlobalV6.Contains(address) && !IsIn(NotPublicV6, address),
        _ => false,
    };

    private static bool IsMetadata(IPAddress address) => Array.IndexOf(Metadata, address) >= 0;

    // The IPv4 address that a router on the way would make of it.
    private static IPAddress? Embedded(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return null;
        var bytes = address.GetAddressBytes();
        if (Nat64.Contains(address) || CompatibleV4.Contains(address))
            return new IPAddress(bytes.AsSpan(12, 4));
        return SixToFour.Contains(address) ? new IPAddress(bytes.AsSpan(2, 4)) : null;
    }

    private static bool IsIn(IPNetwork[] networks, IPAddress address) => Array.Exists(networks, n => n.Contains(address));

    private static IPNetwork[] Networks(params string[] networks) => [.. networks.Select(n => IPNetwork.Parse(n))];
}
