using System.Net;

namespace IncidentFox.Gateway.Sending;

/// <summary>Turns a host name into addresses. Asked for every new connection; the answer is judged before any of it is used.</summary>
public interface IHostResolver
{
    /// <summary>The name's addresses; fails as <see cref="Dns.GetHostAddressesAsync(string)"/> does.</summary>
    Task<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellationToken);
}

/// <summary>As this machine resolves names.</summary>
public sealed class SystemResolver : IHostResolver
{
    /// <inheritdoc />
    public async Task<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellationToken) =>
        await Dns.GetHostAddressesAsync(host, cancellationToken);
}
