using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Threading.Channels;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Gateway.AgentDoor.Proxy;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.AgentDoor.Sockets;

/// <summary>
/// The sandboxes' doors: any number of Unix sockets, opened and closed while one Kestrel serves what comes through them. Each connection is
/// marked with the sandbox of the socket that it came through.
/// </summary>
internal sealed class SandboxDoor : ISandboxDoor, IAsyncDisposable
{
    // An agent needs a handful; more is somebody holding file descriptors.
    private const int MaxConnections = 32;

    private readonly GatewayOptions _options;
    private readonly Traffic _traffic;
    private readonly SessionCache _sessions;
    private readonly AuthorityKeeper _authority;
    private readonly ProxyTrail _proxyTrail;
    private readonly ILogger<SandboxDoor> _logger;
    private readonly SocketConnectionContextFactory _connections;
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>();
    private readonly ConcurrentDictionary<SandboxId, Door> _doors = new();
    private readonly Lock _opening = new();

    public SandboxDoor(GatewayOptions options, Traffic traffic, SessionCache sessions, AuthorityKeeper authority, ProxyTrail proxyTrail, ILogger<SandboxDoor> logger)
    {
        _options = options;
        _traffic = traffic;
        _sessions = sessions;
        (_authority, _proxyTrail) = (authority, proxyTrail);
        _logger = logger;
        _connections = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions { WaitForDataBeforeAllocatingBuffer = false }, logger);
        SocketDirectory.RemoveDead(options.RuntimeDirectory);
    }

    internal ChannelReader<ConnectionContext> Accepted => _accepted.Reader;

    public ValueTask<string> OpenAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        lock (_opening)
        {
            if (_doors.ContainsKey(sandbox))
                throw new InvalidOperationException($"The door of {sandbox} is open already.");
            var (directory, listener) = SocketDirectory.Create(_options, _options.Proxy.Enabled ? _authority.Authority.CertificatePem : null);
            var door = new Door(directory, listener);
            _doors[sandbox] = door;
            door.Accepting = AcceptAsync(sandbox, door);
            return ValueTask.FromResult(directory.SocketPath);
        }
    }

    public async ValueTask CloseAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        if (!_doors.TryRemove(sandbox, out var door))
            return;
        door.Listener.Dispose();
        await door.Accepting;
        foreach (var connection in door.Connections.Keys)
            connection.Abort(new ConnectionAbortedException($"The door of {sandbox} was closed."));
        _traffic.Forget(sandbox);
        _sessions.Forget(sandbox);
        _proxyTrail.Forget(sandbox);
        try
        {
            door.Directory.Remove();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _logger.LogWarning("The socket of {Sandbox} could not be removed ({Reason}); nobody listens on it any more", sandbox, e.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var sandbox in _doors.Keys)
            await CloseAsync(sandbox, CancellationToken.None);
        _accepted.Writer.TryComplete();
        _connections.Dispose();
    }

    private async Task AcceptAsync(SandboxId sandbox, Door door)
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await door.Listener.AcceptAsync();
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of file descriptors, most likely: it passes, and the door must not stay shut for it.
                _logger.LogWarning("Accepting for {Sandbox} failed ({Reason})", sandbox, e.SocketErrorCode);
                await Task.Delay(TimeSpan.FromMilliseconds(100));
                continue;
            }
            if (door.Connections.Count >= MaxConnections)
            {
                socket.Dispose();
                continue;
            }
            var connection = _connections.Create(socket);
            connection.Features.Set(new SandboxConnection(sandbox));
            door.Connections[connection] = 0;
            connection.ConnectionClosed.Register(() => door.Connections.TryRemove(connection, out _));
            if (!_accepted.Writer.TryWrite(connection))
                await connection.DisposeAsync();
        }
    }

    private sealed class Door(SocketDirectory directory, Socket listener)
    {
        public SocketDirectory Directory { get; } = directory;
        public Socket Listener { get; } = listener;
        public Task Accepting { get; set; } = Task.CompletedTask;
        public ConcurrentDictionary<ConnectionContext, byte> Connections { get; } = new();
    }
}
