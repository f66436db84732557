using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace IncidentFox.TestKit.Tls;

/// <summary>A certificate authority of a test, its server certificate for localhost, and the PEM file to trust it by.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;

    public TestAuthority(string name = "localhost")
    {
        var now = TimeProvider.System.GetUtcNow();
        var request = new CertificateRequest("CN=test authority " + Guid.NewGuid(), _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        _authority = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(2));
        Server = Issue("CN=" + name, name, now);
        CaFile = Path.Combine(Path.GetTempPath(), $"test-ca-{Guid.NewGuid():N}.pem");
        File.WriteAllText(CaFile, CaPem);
    }

    public X509Certificate2 Server { get; }

    public string CaFile { get; }

    public string CaPem => _authority.ExportCertificatePem();

    /// <summary>A client's certificate with its key, both in PEM.</summary>
    public (string Certificate, string Key) IssueClient(string name)
    {
        using var client = Issue("CN=" + name, null, TimeProvider.System.GetUtcNow());
        using var key = client.GetECDsaPrivateKey()!;
        return (client.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    public bool Issued(X509Certificate2 certificate) => certificate.Issuer == _authority.Subject;

    private X509Certificate2 Issue(string subject, string? dnsName, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        if (dnsName is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(dnsName);
            names.AddIpAddress(IPAddress.IPv6Loopback);
            request.CertificateExtensions.Add(names.Build());
        }

        using var certificate = request.Create(_authority, now.AddHours(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    public void Dispose()
    {
        File.Delete(CaFile);
        Server.Dispose();
        _authority.Dispose();
        _key.Dispose();
    }
}
