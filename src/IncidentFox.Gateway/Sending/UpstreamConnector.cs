using System.Net;
using System.Net.Sockets;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Sending;

/// <summary>Opens connections: resolves, judges every address, and connects to an address that was judged, never to the name.</summary>
internal sealed class UpstreamConnector(Integration integration, IHostResolver resolver)
{
    // One silent address must not use up the time that another one would have answered in.
    private static readonly TimeSpan PerAddress = TimeSpan.FromSeconds(4);

    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host.Trim('[', ']'), context.DnsEndPoint.Port);
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await resolver.ResolveAsync(host, cancellationToken);
        var allowed = addresses.Where(a => AddressPolicy.Allows(a, integration.Network.AllowedRanges)).Select(AddressPolicy.Plain).ToArray();
        if (allowed.Length == 0)
        {
            throw addresses.Count == 0
                ? new SocketException((int)SocketError.HostNotFound)
                : new AddressRefusedException($"{integration.Name} is at an address that is not public: an admin must declare its range in the integration (network, allowed ranges).");
        }
        if (SendsInTheClear)
        {
            allowed = [.. allowed.Where(a => AddressPolicy.IsDeclared(a, integration.Network.AllowedRanges))];
            if (allowed.Length == 0)
                throw new AddressRefusedException($"{integration.Name} is reached over plain http at a public address, where anybody on the way could read its credential: use https.");
        }
        return await ConnectAsync(allowed, port, cancellationToken);
    }

    private bool SendsInTheClear => integration.BaseUrl.Scheme == Uri.UriSchemeHttp && integration.Auth.Scheme != AuthScheme.None;

    private static async Task<Stream> ConnectAsync(IPAddress[] addresses, int port, CancellationToken cancellationToken)
    {
        for (var i = 0; ; i++)
        {
            var socket = new Socket(addresses[i].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (i < addresses.Length - 1)
                limit.CancelAfter(PerAddress);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(addresses[i], port), limit.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                socket.Dispose();
                cancellationToken.ThrowIfCancellationRequested();
                if (i == addresses.Length - 1)
                    throw;
            }
        }
    }
}

/// <summary>The target is somewhere the integration may not go. The sentence names no address.</summary>
internal sealed class AddressRefusedException(string sentence) : IOException(sentence);
