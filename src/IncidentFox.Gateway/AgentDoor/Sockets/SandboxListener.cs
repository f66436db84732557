using System.Net;
using System.Threading.Channels;
using IncidentFox.Gateway.AgentDoor.Proxy;
using Microsoft.AspNetCore.Connections;

namespace IncidentFox.Gateway.AgentDoor.Sockets;

/// <summary>Kestrel's listener for <see cref="SandboxEndPoint"/>, and for what is inside tunnels: hands over the connections that the door accepted.</summary>
internal sealed class SandboxListenerFactory(SandboxDoor door, TunnelQueue tunnels) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is SandboxEndPoint or TunnelEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IConnectionListener>(new SandboxListener(endpoint, endpoint is TunnelEndPoint
            ? async ct => await tunnels.TakeAsync(ct)
            : ct => door.Accepted.ReadAsync(ct)));

    private sealed class SandboxListener(EndPoint endpoint, Func<CancellationToken, ValueTask<ConnectionContext>> next) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint { get; } = endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _unbound.Token);
            try
            {
                return await next(either.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
            {
                return null;
            }
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default) => await _unbound.CancelAsync();

        public ValueTask DisposeAsync()
        {
            _unbound.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
