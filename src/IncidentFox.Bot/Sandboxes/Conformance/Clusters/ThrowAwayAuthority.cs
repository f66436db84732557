using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace IncidentFox.Bot.Sandboxes.Conformance.Clusters;

/// <summary>An authority for one run, believed by its pods alone, and the gateway's certificate. No key leaves this process.</summary>
internal sealed class ThrowAwayAuthority : IDisposable
{
    /// <summary>What the gateway is called in TLS, wherever it is.</summary>
    public const string GatewayName = "incidentfox-gateway";

    public ThrowAwayAuthority(TimeProvider time)
    {
        var (from, until) = (time.GetUtcNow().AddHours(-1), time.GetUtcNow().AddHours(12));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=incidentfox-check", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        Certificate = request.CreateSelfSigned(from, until);

        using var gatewayKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var gateway = new CertificateRequest($"CN={GatewayName}", gatewayKey, HashAlgorithmName.SHA256);
        gateway.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        gateway.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        gateway.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false)); // server authentication
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(GatewayName);
        gateway.CertificateExtensions.Add(names.Build());
        using var issued = gateway.Create(Certificate, from, until, RandomNumberGenerator.GetBytes(16));
        Gateway = issued.CopyWithPrivateKey(gatewayKey);
    }

    public X509Certificate2 Certificate { get; }

    public X509Certificate2 Gateway { get; }

    public void Dispose()
    {
        Gateway.Dispose();
        Certificate.Dispose();
    }
}
