using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>
/// The installation's own certificate authority, which only sandboxes are told to believe. It signs certificates for hosts of integrations and
/// nothing else; its key never leaves the gateway.
/// </summary>
internal sealed class ProxyAuthority : IDisposable
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(5 * 365);
    private static readonly TimeSpan Backdated = TimeSpan.FromMinutes(5);

    /// <summary>With less left it is replaced at the next start.</summary>
    public static readonly TimeSpan Spare = TimeSpan.FromDays(90);

    /// <summary>How long a host's certificate is good.</summary>
    public static readonly TimeSpan LeafLifetime = TimeSpan.FromHours(24);

    private readonly X509Certificate2 _certificate;

    private ProxyAuthority(X509Certificate2 certificate)
    {
        _certificate = certificate;
        CertificatePem = certificate.ExportCertificatePem() + "\n";
    }

    /// <summary>What sandboxes get.</summary>
    public string CertificatePem { get; }

    public DateTimeOffset NotAfter => new(_certificate.NotAfter.ToUniversalTime());

    /// <summary>Makes one. The second value is what is kept: certificate and private key.</summary>
    public static (ProxyAuthority Authority, string Pem) Create(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"O=IncidentFox, CN=IncidentFox sandbox proxy {RandomNumberGenerator.GetHexString(8, lowercase: true)}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var certificate = request.CreateSelfSigned(now - Backdated, now + Lifetime);
        return (new ProxyAuthority(certificate), certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>Reads what <see cref="Create"/> gave, or an authority of the installation's own making; a sentence when it is none.</summary>
    public static (ProxyAuthority? Authority, string? Problem) Read(string pem, DateTimeOffset now)
    {
        X509Certificate2 certificate;
        try
        {
            certificate = X509Certificate2.CreateFromPem(pem, pem);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // Its words could quote the key.
            return (null, "it must hold a certificate and its private key, both as PEM");
        }
        var problem = Problem(certificate, now);
        if (problem is null)
            return (new ProxyAuthority(certificate), null);
        certificate.Dispose();
        return (null, problem);
    }

    /// <summary>A certificate for one host, with its key.</summary>
    /// <param name="name">A DNS name or an address, as clients check it.</param>
    /// <param name="now">From when.</param>
    public X509Certificate2 Issue(string name, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // A common name is not looked at any more (RFC 9525) and could not hold a long name.
        var request = new CertificateRequest(new X500DistinguishedName("O=IncidentFox"), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (System.Net.IPAddress.TryParse(name, out var address))
            names.AddIpAddress(address);
        else
            names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build(critical: true));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(serial[0] & 0x7f | 0x40);   // positive, and always 16 bytes (RFC 5280, 4.1.2.2)
        var end = now + LeafLifetime < NotAfter ? now + LeafLifetime : NotAfter;
        using var issued = request.Create(_certificate, now - Backdated, end, serial);
        return issued.CopyWithPrivateKey(key);
    }

    public void Dispose() => _certificate.Dispose();

    private static string? Problem(X509Certificate2 certificate, DateTimeOffset now)
    {
        if (certificate.GetECDsaPrivateKey() is not { } key)
            return "its key must be an elliptic curve key";
        key.Dispose();
        if (certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault() is not { CertificateAuthority: true })
            return "its certificate is no authority's (basicConstraints CA:TRUE is missing)";
        if (certificate.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault() is { } usage && !usage.KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign))
            return "its certificate may not sign others (keyUsage keyCertSign is missing)";
        if (!certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Any())
            return "its certificate has no subject key identifier";
        return certificate.NotBefore.ToUniversalTime() > now.UtcDateTime || certificate.NotAfter.ToUniversalTime() <= now.UtcDateTime + LeafLifetime
            ? "its certificate is not valid yet, or ends within a day"
            : null;
    }
}
