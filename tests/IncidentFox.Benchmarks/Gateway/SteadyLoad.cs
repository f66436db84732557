using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace IncidentFox.Benchmarks.Gateway;

/// <summary>
/// Requests at a steady rate, sent when they are due however long earlier ones take (wrk can't do that). A request's time is from its first byte sent to the last
/// byte of its answer.
/// </summary>
internal sealed class SteadyLoad(Doors doors, string path, int perSecond) : IDisposable
{
    private readonly ConcurrentBag<Connection> _free = [];
    private readonly byte[] _request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
    private int _opened;

    /// <summary>The times of all requests, milliseconds.</summary>
    public async Task<IReadOnlyList<double>> RunAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        var count = (int)(time.TotalSeconds * perSecond);
        var sent = new List<Task<double>>(count);
        var started = Stopwatch.GetTimestamp();
        while (sent.Count < count)
        {
            var due = (int)(Stopwatch.GetElapsedTime(started).TotalSeconds * perSecond) + 1;
            while (sent.Count < Math.Min(due, count))
                sent.Add(SendAsync(cancellationToken));
            await Task.Delay(1, cancellationToken);
        }
        return await Task.WhenAll(sent);
    }

    public void Dispose()
    {
        while (_free.TryTake(out var connection))
            connection.Dispose();
    }

    private async Task<double> SendAsync(CancellationToken cancellationToken)
    {
        if (!_free.TryTake(out var connection))
            connection = await Connection.OpenAsync(doors, Interlocked.Increment(ref _opened), cancellationToken);
        var started = Stopwatch.GetTimestamp();
        await connection.AskAsync(_request, cancellationToken);
        var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        _free.Add(connection);
        return took;
    }

    private sealed class Connection(Socket socket) : IDisposable
    {
        private static readonly byte[] Blank = "\r\n\r\n"u8.ToArray();
        private byte[] _buffer = new byte[256 * 1024];

        public static async Task<Connection> OpenAsync(Doors doors, int number, CancellationToken ct)
        {
            if (doors.Sockets.Count == 0)
            {
                var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await tcp.ConnectAsync(IPAddress.Loopback, doors.Port, ct);
                return new Connection(tcp);
            }
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(doors.Sockets[number % doors.Sockets.Count]), ct);
            return new Connection(socket);
        }

        public async Task AskAsync(byte[] request, CancellationToken ct)
        {
            await socket.SendAsync(request.AsMemory(), ct);
            var length = 0;
            while (!IsWhole(_buffer.AsSpan(0, length)))
            {
                var read = await socket.ReceiveAsync(_buffer.AsMemory(length), ct);
                if (read == 0)
                    throw new IOException("The contestant ended the connection.");
                length += read;
            }
        }

        public void Dispose() => socket.Dispose();

        private static bool IsWhole(ReadOnlySpan<byte> answer)
        {
            var end = answer.IndexOf(Blank);
            if (end < 0)
                return false;
            var head = Encoding.ASCII.GetString(answer[..end]);
            if (!head.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
                throw new InvalidOperationException($"Answered with {head}");
            foreach (var line in head.Split("\r\n"))
            {
                if (line.StartsWith("content-length:", StringComparison.OrdinalIgnoreCase))
                    return answer.Length >= end + 4 + int.Parse(line.AsSpan(15), System.Globalization.CultureInfo.InvariantCulture);
            }
            return answer.EndsWith("0\r\n\r\n"u8);   // chunked: the last chunk ends the answer
        }
    }
}
