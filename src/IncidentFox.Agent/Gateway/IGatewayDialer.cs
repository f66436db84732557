using System.Net.Sockets;

namespace IncidentFox.Agent.Gateway;

/// <summary>How the gateway is reached, and what says who asks: a socket that is the sandbox's own, or TLS with a token.</summary>
internal interface IGatewayDialer
{
    /// <summary>What the gateway is called.</summary>
    string Host { get; }

    /// <summary>A new connection.</summary>
    /// <exception cref="DialException">It can't be had; the message says why.</exception>
    ValueTask<Stream> DialAsync(CancellationToken ct);

    /// <summary>What is shown with each request; null where the connection itself says who asks.</summary>
    /// <exception cref="DialException">It can't be read.</exception>
    ValueTask<string?> TokenAsync(CancellationToken ct);
}

/// <summary>Why the gateway could not be dialled, in a sentence for people.</summary>
/// <param name="message">The sentence.</param>
/// <param name="untrusted">Somebody answered who did not prove to be the gateway.</param>
internal sealed class DialException(string message, bool untrusted = false, Exception? cause = null) : IOException(message, cause)
{
    public bool Untrusted => untrusted;
}

/// <summary>The Unix socket that is mounted into a local sandbox.</summary>
internal sealed class SocketDialer(string path) : IGatewayDialer
{
    private readonly UnixDomainSocketEndPoint _endPoint = new(path);

    public string Host => "gateway";

    public async ValueTask<Stream> DialAsync(CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(_endPoint, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public ValueTask<string?> TokenAsync(CancellationToken ct) => ValueTask.FromResult<string?>(null);
}
