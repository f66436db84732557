using System.Security.Cryptography;

namespace IncidentFox.Gateway.Tests.Integrations;

/// <summary>RSA keys of this run, for schemes that sign assertions.</summary>
internal static class VendorKeys
{
    public static RSA RsaKey { get; } = RSA.Create(2048);

    public static string Rsa { get; } = RsaKey.ExportPkcs8PrivateKeyPem();

    public static string OtherRsa { get; } = MakePem();

    private static string MakePem()
    {
        using var key = RSA.Create(2048);
        return key.ExportPkcs8PrivateKeyPem();
    }
}
