using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>Certificates for hosts, made when they are first needed and kept for two thirds of their time. Asked for hosts of integrations only.</summary>
internal sealed class LeafCertificates(AuthorityKeeper keeper, TimeProvider time)
{
    // Integrations are counted in dozens; what is more was renamed again and again.
    private const int Most = 256;

    private readonly Dictionary<string, Leaf> _leaves = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>How many are kept.</summary>
    public int Count => _leaves.Count;

    /// <summary>The certificate of a host, ready to be shown.</summary>
    public SslStreamCertificateContext For(string host)
    {
        var now = time.GetUtcNow();
        // Making one takes a fraction of a millisecond: nobody waits long, and no two are made for one host.
        lock (_lock)
        {
            if (_leaves.TryGetValue(host, out var kept) && now < kept.RenewAt)
                return kept.Context;
            if (_leaves.Count >= Most)
                _leaves.Remove(_leaves.MinBy(l => l.Value.RenewAt).Key);
            var certificate = keeper.Authority.Issue(host, now);
            // Not disposed of when it is replaced: handshakes may still be using it, and the collector frees it.
            var leaf = new Leaf(SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true), now + ((certificate.NotAfter.ToUniversalTime() - now) * 2 / 3));
            _leaves[host] = leaf;
            return leaf.Context;
        }
    }

    private sealed record Leaf(SslStreamCertificateContext Context, DateTimeOffset RenewAt);
}
