using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace IncidentFox.Gateway.Injection.Certificates;

/// <summary>Who to be in a TLS handshake, and whom to believe there.</summary>
/// <param name="key">Tells it from others: connections of one are not used for another.</param>
/// <param name="certificate">Shown to a server that asks; null: none.</param>
/// <param name="authorities">Believed instead of the system's where the integration names no file; null: no others.</param>
public sealed class TlsIdentity(string key, SslStreamCertificateContext? certificate, X509Certificate2Collection? authorities)
{
    /// <summary>Not secret: digests of certificates.</summary>
    public string Key { get; } = key;

    /// <summary>The client's certificate with those above it.</summary>
    public SslStreamCertificateContext? Certificate { get; } = certificate;

    /// <summary>Certificate authorities.</summary>
    public X509Certificate2Collection? Authorities { get; } = authorities;

    /// <summary>Its key.</summary>
    public override string ToString() => Key;
}

/// <summary>Reads certificates and keys in PEM.</summary>
internal static class Pem
{
    private const int MostCertificates = 20;

    /// <summary>A certificate with its key, or a sentence that says why it can't be used.</summary>
    public static (SslStreamCertificateContext? Certificate, string Key, string? Problem) Client(
        string certificates, string privateKey, DateTimeOffset now, string what = "client certificate")
    {
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificates);
            if (chain.Count is 0 or > MostCertificates)
                return (null, "", $"The {what} is no PEM with 1 to {MostCertificates} certificates.");
            // The first one is its owner's own; those above it follow, in any order (RFC 8446, section 4.4.2).
            var own = X509Certificate2.CreateFromPem(chain[0].ExportCertificatePem(), privateKey);
            if (now < own.NotBefore.ToUniversalTime() || now >= own.NotAfter.ToUniversalTime())
                return (null, "", $"The {what} has expired or is not valid yet: renew it, or look at the gateway's clock.");
            var above = new X509Certificate2Collection(chain.Skip(1).ToArray());
            // Offline: certificates name addresses to fetch others from, which nobody has judged.
            return (SslStreamCertificateContext.Create(own, above, offline: true), Convert.ToHexStringLower(SHA256.HashData(own.RawData)), null);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return (null, "", $"The {what} and its private key can't be read, or don't belong together: both are PEM, the key not encrypted.");
        }
    }

    /// <summary>Certificate authorities; null when the text has none.</summary>
    public static (X509Certificate2Collection? Authorities, string Key) Authorities(string text)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(text);
            return authorities.Count is > 0 and <= MostCertificates
                ? (authorities, Convert.ToHexStringLower(SHA256.HashData([.. authorities.SelectMany(a => a.RawData)])))
                : (null, "");
        }
        catch (CryptographicException)
        {
            return (null, "");
        }
    }
}
