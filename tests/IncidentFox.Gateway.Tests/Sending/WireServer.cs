using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace IncidentFox.Gateway.Tests.Sending;

/// <summary>A target on loopback, byte for byte: shows what came over the wire and answers, stalls or hangs up as told.</summary>
internal sealed class WireServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly X509Certificate2? _certificate;
    private readonly Task _accepting;
    private int _connections;

    public WireServer(Func<WireRequest, Task> answer, X509Certificate2? certificate = null)
    {
        Answer = answer;
        _certificate = certificate;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public WireServer(string answer) : this(r => r.SendAsync(answer))
    {
    }

    public Func<WireRequest, Task> Answer { get; set; }

    public SslProtocols Protocols { get; set; } = SslProtocols.None;   // as the system likes

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Head and body of every request, as they came.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public static string Ok(string body, string headers = "Content-Type: text/plain\r\n", string status = "200 OK") =>
        $"HTTP/1.1 {status}\r\n{headers}Content-Length: {Encoding.Latin1.GetByteCount(body)}\r\n\r\n{body}";

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                Interlocked.Increment(ref _connections);
                _ = ServeAsync(socket);
            }
        }
        catch (OperationCanceledException)
        {
            // stopped
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using Stream raw = new NetworkStream(socket, ownsSocket: true);
            await using var stream = _certificate is null ? raw : new SslStream(raw);
            if (stream is SslStream tls)
                await tls.AuthenticateAsServerAsync(_certificate!, clientCertificateRequired: false, Protocols, checkCertificateRevocation: false);
            while (await ReadAsync(stream) is { } text)
            {
                Requests.Enqueue(text);
                var request = new WireRequest(text, stream, socket, _stop.Token);
                await Answer(request);
                if (request.HungUp)
                    return;
            }
        }
        catch (Exception)
        {
            // the other side hung up, or does not like our certificate
        }
    }

    private async Task<string?> ReadAsync(Stream stream)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0)
                return null;
            text.Append((char)one[0]);
        }
        var length = text.ToString().Split("\r\n").FirstOrDefault(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        var body = new byte[length is null ? 0 : int.Parse(length.Split(':')[1], CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return text.Append(Encoding.UTF8.GetString(body)).ToString();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Dispose();
    }
}

/// <summary>One request that came, and how to answer it.</summary>
internal sealed class WireRequest(string text, Stream stream, Socket socket, CancellationToken stopping)
{
    public string Text { get; } = text;

    public bool HungUp { get; private set; }

    public async Task SendAsync(string answer) => await SendAsync(Encoding.Latin1.GetBytes(answer));

    public async Task SendAsync(byte[] answer)
    {
        await stream.WriteAsync(answer, stopping);
        await stream.FlushAsync(stopping);
    }

    /// <summary>Ends the connection as a server does that is done with it, or by a reset.</summary>
    public Task HangUpAsync(bool reset = false)
    {
        HungUp = true;
        if (reset)
            socket.Close(0);
        else
            socket.Shutdown(SocketShutdown.Both);
        return Task.CompletedTask;
    }

    /// <summary>Says nothing more until the other side is gone or the test is over.</summary>
    public async Task StallAsync()
    {
        HungUp = true;
        _ = await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, stopping);
    }
}
