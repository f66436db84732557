using System.Net;
using System.Net.Sockets;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Cage;

/// <summary>An address that must be out of reach.</summary>
internal sealed record CageTarget(string Kind, IPEndPoint Address, bool Datagram = false);

/// <summary>How long, and how often, is tried until policies are enforced: on some clusters that is a moment after a pod has started.</summary>
/// <param name="Within">What is within reach after this is said to be.</param>
internal sealed record Settling(TimeSpan Within, TimeSpan Between)
{
    /// <summary>0.5 to 1.2 s were measured; the gateway and the bot end what takes much longer.</summary>
    public static readonly Settling OfPod = new(TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(500));
}

/// <summary>
/// Tries to get out. In a sandbox without a network every attempt fails at once; where a policy drops packets the time-out says so.
/// A refused connection on loopback is a cage too: the loopback is the sandbox's own.
/// </summary>
internal static class CageProbes
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(280);

    // A question for the root's name servers, as small as DNS allows.
    private static readonly byte[] DnsQuestion = [0x1f, 0x0c, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];

    /// <summary>What a sandbox must not reach. To be tried inside a sandbox only.</summary>
    public static IReadOnlyList<CageTarget> Everywhere() =>
    [
        .. new[] { 22, 53, 80, 443, 5080, 5432, 6443, 8080, 9090, 9093, 10250 }.Select(port => Target("loopback", "127.0.0.1", port)),
        Target("metadata", "169.254.169.254", 80),
        Target("outside", "1.1.1.1", 443),
        Target("private", "10.0.0.1", 443),
        Target("private", "172.17.0.1", 80),
        Target("private", "192.168.0.1", 80),
        Target("private", "10.96.0.1", 443),
        Target("ipv6", "::1", 5432),
        Target("ipv6", "::1", 5080),
        Target("ipv6", "2606:4700:4700::1111", 443),
        .. NameServers().Select(address => new CageTarget("dns", new IPEndPoint(address, 53), Datagram: true)),
    ];

    /// <summary>Tries all at once; no longer than 300 ms together.</summary>
    public static async Task<IReadOnlyList<CageProbe>> TryAsync(IReadOnlyList<CageTarget> targets, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        return await Task.WhenAll(targets.Select(target => TryAsync(target, patience.Token)));
    }

    /// <summary>Tries until all are out of reach twice in a row, or for as long as that may take. Returns how it went last.</summary>
    public static async Task<IReadOnlyList<CageProbe>> SettleAsync(IReadOnlyList<CageTarget> targets, Settling settling, TimeProvider time, CancellationToken ct)
    {
        var since = time.GetTimestamp();
        for (var refused = 0; ; await Task.Delay(settling.Between, time, ct))
        {
            var probes = await TryAsync(targets, ct);
            refused = probes.Any(p => p.Reached) ? 0 : refused + 1;
            if (refused == 2 || (refused == 0 && time.GetElapsedTime(since) > settling.Within))
                return probes;
        }
    }

    private static async Task<CageProbe> TryAsync(CageTarget target, CancellationToken ct)
    {
        CageProbe Result(bool reached, string detail) => new(target.Kind, target.Address.ToString(), reached, detail);
        try
        {
            using var socket = target.Datagram
                ? new Socket(target.Address.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
                : new Socket(target.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(target.Address, ct);
            if (!target.Datagram)
                return Result(true, "Connected");
            await socket.SendAsync(DnsQuestion, ct);
            return await socket.ReceiveAsync(new byte[512], ct) > 0 ? Result(true, "Answered") : Result(false, "NoAnswer");
        }
        catch (SocketException e)
        {
            return Result(false, e.SocketErrorCode.ToString());
        }
        catch (OperationCanceledException)
        {
            return Result(false, "TimedOut");
        }
    }

    private static IEnumerable<IPAddress> NameServers()
    {
        var found = new List<IPAddress> { IPAddress.Parse("127.0.0.53"), IPAddress.Parse("10.96.0.10"), IPAddress.Parse("1.1.1.1") };
        try
        {
            foreach (var line in File.ReadLines("/etc/resolv.conf").Take(50))
                if (line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is ["nameserver", var address, ..] && IPAddress.TryParse(address, out var parsed))
                    found.Add(parsed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No such file in a sandbox: the well-known ones are tried anyway.
        }
        return found.Distinct();
    }

    private static CageTarget Target(string kind, string address, int port) => new(kind, new IPEndPoint(IPAddress.Parse(address), port));
}
