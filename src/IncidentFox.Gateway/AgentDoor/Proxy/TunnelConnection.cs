using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using IncidentFox.Gateway.AgentDoor.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>The endpoint for what is inside tunnels. Nobody can connect to it: connections are handed over after their CONNECT.</summary>
internal sealed class TunnelEndPoint : EndPoint
{
    public override string ToString() => "tunnels";
}

/// <summary>Tunnels on their way from the CONNECT to the server that ends their TLS.</summary>
internal sealed class TunnelQueue
{
    private readonly Channel<TunnelConnection> _waiting = Channel.CreateUnbounded<TunnelConnection>();

    /// <summary>Hands a connection over and completes when it is over.</summary>
    public Task RunAsync(TunnelConnection connection) => _waiting.Writer.TryWrite(connection) ? connection.EndAsync() : Task.CompletedTask;

    public async ValueTask<TunnelConnection> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var connection = await _waiting.Reader.ReadAsync(cancellationToken);
            if (connection.TryTake())
                return connection;
        }
    }
}

/// <summary>What is inside a tunnel, over the same socket: whose it is stays as it was.</summary>
internal sealed class TunnelConnection : ConnectionContext
{
    private readonly ConnectionContext _outer;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _taken;

    public TunnelConnection(ConnectionContext outer, SandboxConnection sandbox, Tunnel tunnel)
    {
        _outer = outer;
        Transport = outer.Transport;
        ConnectionId = outer.ConnectionId + "-tunnel";
        ConnectionClosed = outer.ConnectionClosed;
        Features.Set(sandbox);
        Features.Set(tunnel);
        Features.Set(outer.Features.Get<IMemoryPoolFeature>());
    }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override IDuplexPipe Transport { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    public override void Abort(ConnectionAbortedException abortReason) => _outer.Abort(abortReason);

    /// <summary>True for one caller: the server, or whoever gave up waiting for it.</summary>
    public bool TryTake() => Interlocked.Exchange(ref _taken, 1) == 0;

    public async Task EndAsync()
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (_outer.ConnectionClosed.Register(() => closed.TrySetResult()))
            await Task.WhenAny(_ended.Task, closed.Task);
        // Whoever has it is done with the pipes before they are taken away.
        if (!TryTake())
            await _ended.Task;
    }

    public override ValueTask DisposeAsync()
    {
        _ended.TrySetResult();
        return base.DisposeAsync();
    }
}
