using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using IncidentFox.Agent.Relaying;
using Xunit;

namespace IncidentFox.Agent.Tests.Relaying;

/// <summary>TCP on the sandbox's loopback to the gateway's socket and back.</summary>
public sealed class RelayTests(PublishedProgram program) : IClassFixture<PublishedProgram>, IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ifr");
    private readonly CancellationTokenSource _over = new();
    private readonly Socket _gateway = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private int _connections;

    private string SocketPath => Path.Combine(_directory.FullName, "gateway.sock");

    [Theory]
    [InlineData("--listen 127.0.0.1:3128", "127.0.0.1:3128 /run/incidentfox/gateway.sock")]
    [InlineData("--listen 127.0.0.2:1 --socket /s", "127.0.0.2:1 /s")]
    [InlineData("--socket /s --listen 127.0.0.1:3128", "127.0.0.1:3128 /s")]
    [InlineData("", null)]
    [InlineData("--listen", null)]
    [InlineData("--listen 0.0.0.0:3128", null)]
    [InlineData("--listen 10.0.0.1:3128", null)]
    [InlineData("--listen [::1]:3128", null)]
    [InlineData("--listen 127.0.0.1", null)]
    [InlineData("--listen 127.0.0.1:0", null)]
    [InlineData("--listen 127.0.0.1:99999", null)]
    [InlineData("--listen localhost:3128", null)]
    [InlineData("--listen 127.0.0.1:1 --listen 127.0.0.1:2", null)]
    [InlineData("--listen 127.0.0.1:1 --socket relative", null)]
    [InlineData("--listen 127.0.0.1:1 extra", null)]
    public void Only_an_address_of_loopback_is_listened_on(string arguments, string? expected)
    {
        var parsed = RelayCommand.Parse(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(expected, parsed is var (listen, socket) ? $"{listen} {socket}" : null);
    }

    [Fact]
    public async Task Bytes_pass_both_ways_whole_and_an_orderly_end_is_passed_on()
    {
        using var relay = Start(async gateway =>
        {
            // Answers only when the other side is done: half a connection must not be taken for none.
            var all = await ReadAllAsync(gateway);
            Array.Reverse(all);
            await gateway.WriteAsync(all);
        });
        var sent = System.Security.Cryptography.RandomNumberGenerator.GetBytes(1_000_000);
        using var client = new TcpClient();
        await client.ConnectAsync(relay.Address, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        await stream.WriteAsync(sent, TestContext.Current.CancellationToken);
        client.Client.Shutdown(SocketShutdown.Send);
        var received = await ReadAllAsync(stream);
        Array.Reverse(received);
        Assert.Equal(sent, received);
    }

    [Fact]
    public async Task Who_comes_while_there_are_too_many_waits_for_a_place()
    {
        using var relay = Start(async gateway =>
        {
            Interlocked.Increment(ref _connections);
            await gateway.WriteAsync("x"u8.ToArray());
            await ReadAllAsync(gateway);
        });
        var clients = new List<TcpClient>();
        for (var i = 0; i < Relay.MostConnections + 1; i++)
        {
            clients.Add(new TcpClient());
            await clients[i].ConnectAsync(relay.Address, TestContext.Current.CancellationToken);
        }
        var first = new byte[1];
        foreach (var client in clients.Take(Relay.MostConnections))
            await client.GetStream().ReadExactlyAsync(first, TestContext.Current.CancellationToken);
        Assert.Equal(Relay.MostConnections, _connections);
        clients[0].Dispose();
        await clients[^1].GetStream().ReadExactlyAsync(first, TestContext.Current.CancellationToken);
        Assert.Equal(Relay.MostConnections + 1, _connections);
        clients.ForEach(c => c.Dispose());
    }

    [Fact]
    public async Task Without_a_gateway_a_connection_is_closed_and_the_relay_goes_on()
    {
        using var relay = new Relay(new IPEndPoint(IPAddress.Loopback, 0), SocketPath);
        _ = relay.RunAsync(_over.Token);
        for (var i = 0; i < 2 * Relay.MostConnections; i++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(relay.Address, TestContext.Current.CancellationToken);
            Assert.Empty(await ReadAllAsync(client.GetStream()));
        }
    }

    [Fact]
    public async Task Curl_in_a_sandbox_reaches_the_gateway_through_it_and_nothing_else()
    {
        Assert.True(File.Exists("/usr/bin/bwrap") && File.Exists("/usr/bin/curl"), "bubblewrap or curl is not installed: run eng/setup");
        Listen(async gateway =>
        {
            var request = new byte[4_096];
            var read = await gateway.ReadAsync(request);
            var answer = Encoding.ASCII.GetString(request, 0, read).StartsWith("CONNECT kube.test:443 HTTP/1.1\r\n", StringComparison.Ordinal) ? "403 said the gateway" : "400 what?";
            await gateway.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        });
        // The machine's programs can be seen, its network can't.
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/bwrap")
        {
            ArgumentList =
            {
                "--unshare-all", "--die-with-parent", "--clearenv", "--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", program.Path, "/tmp/agent", "--bind", SocketPath, "/tmp/gateway.sock",
                "/bin/sh", "-c",
                "/tmp/agent relay --listen 127.0.0.1:3128 --socket /tmp/gateway.sock & "
                + "for i in 1 2 3 4 5 6 7 8 9 10; do curl -sv --max-time 5 -x http://127.0.0.1:3128 https://kube.test/ 2>&1 | grep -a '403 said the gateway' && break; sleep 0.3; done; "
                + "curl -s --max-time 5 http://1.1.1.1/ ; echo outside: $?; kill $!",
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Contains("403 said the gateway", output, StringComparison.Ordinal);
        Assert.Contains("outside: 7", output, StringComparison.Ordinal);   // CURLE_COULDNT_CONNECT
    }

    private Relay Start(Func<NetworkStream, Task> serve)
    {
        Listen(serve);
        var relay = new Relay(new IPEndPoint(IPAddress.Loopback, 0), SocketPath);
        _ = relay.RunAsync(_over.Token);
        return relay;
    }

    private void Listen(Func<NetworkStream, Task> serve)
    {
        _gateway.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _gateway.Listen(64);
        _ = Task.Run(async () =>
        {
            while (true)
                _ = ServeAsync(await _gateway.AcceptAsync(_over.Token), serve);
        });
    }

    private static async Task ServeAsync(Socket socket, Func<NetworkStream, Task> serve)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            await serve(stream);
        }
        catch (IOException)
        {
            // The client left.
        }
    }

    private static async Task<byte[]> ReadAllAsync(NetworkStream stream)
    {
        using var all = new MemoryStream();
        try
        {
            await stream.CopyToAsync(all);
        }
        catch (IOException)
        {
            // Reset: what came before is all.
        }
        return all.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        _gateway.Dispose();
        _over.Dispose();
        _directory.Delete(recursive: true);
    }
}
