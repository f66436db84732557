using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;

namespace IncidentFox.TestKit.Probe;

/// <summary>A door behind which a test sits and tells the sandbox probe what to try.</summary>
public sealed class ProbeDoor(string runtimeDirectory) : ISandboxDoor, IDisposable
{
    private readonly ConcurrentDictionary<SandboxId, Socket> listeners = new();

    /// <summary>Set to make opening fail.</summary>
    public Exception? Failure { get; set; }

    public bool IsOpen(SandboxId sandbox) => listeners.ContainsKey(sandbox);

    public static string FolderOf(string runtimeDirectory, SandboxId sandbox) =>
        Path.Combine(runtimeDirectory, sandbox.Value.ToString("N", CultureInfo.InvariantCulture)[^8..]);

    public ValueTask<string> OpenAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        if (Failure is not null)
        {
            throw Failure;
        }

        var path = Path.Combine(Directory.CreateDirectory(FolderOf(runtimeDirectory, sandbox)).FullName, "gateway.sock");
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        listeners[sandbox] = listener;
        return ValueTask.FromResult(path);
    }

    public ValueTask CloseAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        if (listeners.TryRemove(sandbox, out var listener))
        {
            listener.Dispose();
            if (Directory.Exists(FolderOf(runtimeDirectory, sandbox)))
            {
                Directory.Delete(FolderOf(runtimeDirectory, sandbox), recursive: true);
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Waits until the probe in that sandbox has dialled.</summary>
    public async Task<ProbeSession> AcceptAsync(SandboxId sandbox, CancellationToken cancellationToken) =>
        new(await listeners[sandbox].AcceptAsync(cancellationToken));

    public void Dispose()
    {
        foreach (var listener in listeners.Values)
        {
            listener.Dispose();
        }
    }
}
