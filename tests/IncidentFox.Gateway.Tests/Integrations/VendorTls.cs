using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace IncidentFox.Gateway.Tests.Integrations;

/// <summary>An authority of the test's own, a server certificate for 127.0.0.1 and a client certificate.</summary>
internal sealed class VendorTls : IDisposable
{
    private readonly ECDsa _authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;

    public VendorTls()
    {
        var request = new CertificateRequest($"CN=Vendor authority {Guid.NewGuid()}", _authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(120));
        (Server, _, _) = Issue("vendor", server: true);
        (_, ClientCertificate, ClientKey) = Issue("incidentfox", server: false);
    }

    public X509Certificate2 Server { get; }

    public string ClientCertificate { get; }

    public string ClientKey { get; }

    public string AuthorityPem => _authority.ExportCertificatePem();

    /// <summary>Whether this authority made the certificate; a target that asks for one believes nobody else.</summary>
    public bool Issued(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    private (X509Certificate2 Certificate, string Pem, string Key) Issue(string name, bool server)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        if (server)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
        }
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(server ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2")], false));
        using var issued = request.Create(_authority, DateTimeOffset.UnixEpoch.AddYears(51), DateTimeOffset.UnixEpoch.AddYears(119), RandomNumberGenerator.GetBytes(12));
        using var both = issued.CopyWithPrivateKey(key);
        return (X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null), both.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    public void Dispose()
    {
        Server.Dispose();
        _authority.Dispose();
        _authorityKey.Dispose();
    }
}
