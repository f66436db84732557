using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>A port of this machine that answers whoever reaches it: no sandbox may.</summary>
internal sealed class Bait : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    /// <param name="address">Where it listens; null for everywhere.</param>
    public Bait(IPAddress? address)
    {
        socket.Bind(new IPEndPoint(address ?? IPAddress.Any, 0));
        socket.Listen();
        var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        Addresses = [.. (address is not null ? [address] : Own()).Select(a => new IPEndPoint(a, port))];
    }

    public IReadOnlyList<IPEndPoint> Addresses { get; }

    public void Dispose() => socket.Dispose();

    private static IEnumerable<IPAddress> Own() => NetworkInterface.GetAllNetworkInterfaces()
        .SelectMany(card => card.GetIPProperties().UnicastAddresses).Select(a => a.Address).Where(a => a.AddressFamily == AddressFamily.InterNetwork).Prepend(IPAddress.Loopback).Distinct();
}
