using System.Net;
using System.Net.Sockets;
using k8s;
using k8s.Autorest;

namespace IncidentFox.Bot.Sandboxes.Conformance.Clusters;

/// <summary>The address of this machine that pods can reach: that by which it reaches the cluster.</summary>
internal static class OwnAddress
{
    /// <exception cref="CannotCheckException">It can't be told.</exception>
    public static async Task<IPAddress> FindAsync(IKubernetes client, Uri api, CancellationToken ct)
    {
        foreach (var address in await AddressesAsync(api, ct))
        {
            if (!IPAddress.IsLoopback(address) && Toward(address) is { } own)
            {
                return own;
            }
        }

        // A cluster on this very machine, its API server behind a loopback address: the nodes are elsewhere.
        try
        {
            var nodes = await client.CoreV1.ListNodeAsync(limit: 10, cancellationToken: ct);
            foreach (var address in nodes.Items.SelectMany(n => n.Status?.Addresses ?? []).Where(a => a.Type == "InternalIP"))
            {
                if (IPAddress.TryParse(address.Address, out var node) && Toward(node) is { } own && !IPAddress.IsLoopback(own))
                {
                    return own;
                }
            }
        }
        catch (HttpOperationException)
        {
            // Nodes may not be looked at: the answer is the same.
        }

        throw new CannotCheckException($"It can't be told at which address pods reach this machine, because the API server is at {api.Host}. Give it with --listen.");
    }

    /// <summary>The API server's addresses.</summary>
    public static async Task<IReadOnlyList<IPAddress>> AddressesAsync(Uri api, CancellationToken ct)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(api.DnsSafeHost, ct);
        }
        catch (SocketException failure)
        {
            throw new CannotCheckException($"The API server's name {api.Host} can't be resolved: {failure.Message}.", failure);
        }
    }

    // Nothing is sent: the system only says which of its addresses it would use.
    private static IPAddress? Toward(IPAddress target)
    {
        try
        {
            using var socket = new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(target, 9);
            return ((IPEndPoint)socket.LocalEndPoint!).Address;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
