using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace IncidentFox.Gateway.Tests.Injection;

/// <summary>A certificate authority of a test.</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset From = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Until = new(2045, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public TestAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=Test authority {Guid.NewGuid()}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        Certificate = request.CreateSelfSigned(From, Until);
    }

    public X509Certificate2 Certificate { get; }

    public string Pem => Certificate.ExportCertificatePem();

    public X509Certificate2 Server(string host)
    {
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(host, out var address))
            names.AddIpAddress(address);
        else
            names.AddDnsName(host);
        var (certificate, key) = Issue(host, names.Build(), Until);
        using (certificate)
        using (key)
        using (var both = certificate.CopyWithPrivateKey(key))
            return X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>A client's certificate and key in PEM.</summary>
    public (string Certificate, string Key, string Thumbprint) Client(string name, DateTimeOffset? until = null)
    {
        var (certificate, key) = Issue(name, null, until ?? Until);
        using (certificate)
        using (key)
            return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem(), certificate.Thumbprint);
    }

    private (X509Certificate2 Certificate, ECDsa Key) Issue(string name, X509Extension? names, DateTimeOffset until)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        if (names is not null)
            request.CertificateExtensions.Add(names);
        return (request.Create(Certificate, From, until, RandomNumberGenerator.GetBytes(8)), key);
    }

    public void Dispose() => Certificate.Dispose();
}
