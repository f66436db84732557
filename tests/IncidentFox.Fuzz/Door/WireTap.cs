using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace IncidentFox.Fuzz.Door;

/// <summary>Stands between the gateway and a target and keeps every byte that the gateway sent.</summary>
internal sealed class WireTap : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Kept> _connections = [];
    private readonly int _target;
    private readonly Task _accepting;

    public WireTap(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Shows what was sent and not looked at yet, connection by connection; the reader says how far it got.</summary>
    public void Look(Func<string, int> read)
    {
        foreach (var kept in _connections)
        {
            string text;
            lock (kept)
                text = Encoding.Latin1.GetString(kept.Bytes.GetBuffer(), kept.Seen, (int)kept.Bytes.Length - kept.Seen);
            if (text.Length > 0)
                kept.Seen += read(text);
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = RelayAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task RelayAsync(Socket client)
    {
        var kept = new Kept();
        _connections.Enqueue(kept);
        using (client)
        using (var target = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            try
            {
                await target.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                await Task.WhenAny(PumpAsync(client, target, kept), PumpAsync(target, client, null));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // One of them left.
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Kept? keep)
    {
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await from.ReceiveAsync(buffer, _stop.Token)) > 0)
        {
            if (keep is not null)
            {
                lock (keep)
                    keep.Bytes.Write(buffer, 0, read);
            }
            await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private sealed class Kept
    {
        public MemoryStream Bytes { get; } = new();
        public int Seen { get; set; }
    }
}
