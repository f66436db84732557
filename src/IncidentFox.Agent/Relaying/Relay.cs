using System.Net;
using System.Net.Sockets;

namespace IncidentFox.Agent.Relaying;

/// <summary>
/// Lets programs in the sandbox that only know TCP use the gateway's socket: bytes in, bytes out, nothing is looked at. It listens on the sandbox's own
/// loopback, so nobody else can reach it, and can do no more than whoever opens the socket directly.
/// </summary>
internal sealed class Relay : IDisposable
{
    /// <summary>Fewer than the gateway takes from one sandbox, so that the agent itself is never locked out.</summary>
    public const int MostConnections = 16;

    private const int BufferBytes = 16 * 1024;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly UnixDomainSocketEndPoint _gateway;
    private readonly SemaphoreSlim _free = new(MostConnections);

    /// <summary>Listens.</summary>
    /// <exception cref="SocketException">The address is taken.</exception>
    public Relay(IPEndPoint listen, string socketPath)
    {
        _gateway = new UnixDomainSocketEndPoint(socketPath);
        try
        {
            _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _listener.Bind(listen);
            _listener.Listen(MostConnections);
        }
        catch
        {
            _listener.Dispose();
            throw;
        }
    }

    /// <summary>Where it listens; the port is known now.</summary>
    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>Until it is cancelled. Who comes while there are too many waits.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            await _free.WaitAsync(ct);
            Socket client;
            try
            {
                client = await _listener.AcceptAsync(ct);
            }
            catch (SocketException)
            {
                // Out of file descriptors, or the client is gone already: it passes.
                _free.Release();
                await Task.Delay(TimeSpan.FromMilliseconds(50), ct);
                continue;
            }
            _ = ServeAsync(client, ct);
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        _free.Dispose();
    }

    private async Task ServeAsync(Socket client, CancellationToken ct)
    {
        using var gateway = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (client)
        {
            try
            {
                await gateway.ConnectAsync(_gateway, ct);
                client.NoDelay = true;
                using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
                await Task.WhenAll(PassAsync(client, gateway, over), PassAsync(gateway, client, over));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // Whoever dialled sees its connection closed.
            }
        }
        if (!ct.IsCancellationRequested)
            _free.Release();
    }

    // One direction. An orderly end is passed on, and the other direction goes on; anything else ends both.
    private static async Task PassAsync(Socket from, Socket to, CancellationTokenSource over)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer, over.Token)) > 0;)
            {
                for (var sent = 0; sent < read;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), over.Token);
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            await over.CancelAsync();
        }
    }
}
