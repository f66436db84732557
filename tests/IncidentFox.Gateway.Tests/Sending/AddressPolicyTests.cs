using System.Net;
using IncidentFox.Gateway.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Sending;

public sealed class AddressPolicyTests
{
    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.1")]
    [InlineData("100.63.255.255")]
    [InlineData("2606:4700::1111")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("64:ff9b::808:808")]   // NAT64 of 8.8.8.8
    public void A_public_address_may_be_connected_to(string address) => Assert.True(Allows(address));

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("10.0.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("169.254.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("168.63.129.16")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fd20:ce::254")]
    [InlineData("100.100.100.200")]          // Alibaba
    [InlineData("198.19.255.255")]           // benchmarking
    [InlineData("::ffff:0:10.0.0.1")]        // IPv4-translated
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::10.0.0.1")]               // IPv4-compatible
    [InlineData("64:ff9b::a00:1")]           // NAT64 of 10.0.0.1
    [InlineData("64:ff9b::a9fe:a9fe")]       // NAT64 of 169.254.169.254
    [InlineData("64:ff9b:1::808:808")]       // NAT64 of a network's own
    [InlineData("2002:7f00:1::")]            // 6to4 of 127.0.0.1
    [InlineData("2002:808:808::")]           // 6to4 of 8.8.8.8: a relay that nobody knows
    [InlineData("2001:0:4136:e378::1")]      // Teredo
    [InlineData("2001:db8::1")]
    public void Any_other_address_is_refused(string address) => Assert.False(Allows(address));

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.0/8")]
    [InlineData("::ffff:10.1.2.3", "10.0.0.0/8")]
    [InlineData("::1", "::1/128")]
    [InlineData("fd12::1", "fd12::/16")]
    [InlineData("169.254.169.254", "169.254.169.254/32")]
    public void A_declared_range_is_allowed(string address, string range) => Assert.True(Allows(address, range));

    [Theory]
    [InlineData("169.254.169.254", "169.254.0.0/16")]
    [InlineData("169.254.169.254", "0.0.0.0/0")]
    [InlineData("168.63.129.16", "0.0.0.0/0")]
    [InlineData("::ffff:169.254.169.254", "0.0.0.0/0")]
    [InlineData("64:ff9b::a9fe:a9fe", "64:ff9b::/96")]
    [InlineData("::a9fe:a9fe", "::/0")]
    [InlineData("2002:a9fe:a9fe::", "::/0")]
    [InlineData("fd00:ec2::254", "fd00::/8")]
    public void A_range_that_merely_includes_a_metadata_service_does_not_allow_it(string address, string range) => Assert.False(Allows(address, range));

    [Theory]
    [InlineData("0.0.0.0", "0.0.0.0/0")]
    [InlineData("::", "::/0")]
    [InlineData("224.0.0.1", "0.0.0.0/0")]
    [InlineData("255.255.255.255", "0.0.0.0/0")]
    [InlineData("ff02::1", "::/0")]
    public void Nothing_allows_addresses_that_nobody_has(string address, string range) => Assert.False(Allows(address, range));

    [Fact]
    public void A_range_allows_nothing_beside_it() => Assert.False(Allows("10.1.0.0", "10.0.0.0/16"));

    private static bool Allows(string address, params string[] ranges) =>
        AddressPolicy.Allows(IPAddress.Parse(address), [.. ranges.Select(r => IPNetwork.Parse(r))]);
}
