using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using IncidentFox.Bot.Sandboxes.Local;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;

namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>A gateway's sockets without a gateway: notes which sandbox's door was knocked at, and answers that there is nothing for it.</summary>
internal sealed class LocalDoor(string runtimeDirectory) : ISandboxDoor, IDisposable
{
    private const int MostHead = 16 * 1024;
    private readonly ConcurrentDictionary<SandboxId, Socket> open = new();
    private readonly ConcurrentDictionary<SandboxId, int> knocks = new();

    public int KnocksOf(SandboxId sandbox) => knocks.GetValueOrDefault(sandbox);

    public string FolderOf(SandboxId sandbox) => Path.Combine(runtimeDirectory, new SandboxLayout(runtimeDirectory, sandbox).Short[^8..]);

    public ValueTask<string> OpenAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        var path = Path.Combine(Directory.CreateDirectory(FolderOf(sandbox)).FullName, "gateway.sock");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen();
        open[sandbox] = socket;
        _ = AcceptAsync(sandbox, socket);
        return ValueTask.FromResult(path);
    }

    // The folder is removed with what else is left of the sandbox.
    public ValueTask CloseAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        if (open.TryRemove(sandbox, out var socket))
        {
            socket.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        foreach (var sandbox in open.Keys)
        {
            _ = CloseAsync(sandbox, CancellationToken.None);
        }
    }

    private async Task AcceptAsync(SandboxId sandbox, Socket socket)
    {
        while (true)
        {
            try
            {
                using var connection = await socket.AcceptAsync();
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
                await AnswerAsync(sandbox, connection, limit.Token);
            }
            catch (Exception failure) when (failure is SocketException or OperationCanceledException)
            {
                if (!open.ContainsKey(sandbox))
                {
                    return;
                }
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task AnswerAsync(SandboxId sandbox, Socket connection, CancellationToken ct)
    {
        var buffer = new byte[MostHead];
        var length = 0;
        for (int read; length < buffer.Length && (read = await connection.ReceiveAsync(buffer.AsMemory(length), ct)) > 0;)
        {
            length += read;
            if (buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) >= 0)
            {
                knocks.AddOrUpdate(sandbox, 1, (_, n) => n + 1);
                await connection.SendAsync(Encoding.ASCII.GetBytes("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"), ct);
                connection.Shutdown(SocketShutdown.Both);
                return;
            }
        }
    }
}
