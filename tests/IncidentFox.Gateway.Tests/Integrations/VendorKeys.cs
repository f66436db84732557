using System.Security.Cryptography;

namespace IncidentFox.Gateway.Tests.Integrations;

/// <summary>RSA keys of this run, for schemes that sign assertions.</summary>
internal static class VendorKeys
{
    public static RSA RsaKey { get; } = RSA.Create(2048);

    public static string Rsa { get; } = RsaKey.ExportPkcs8PrivateKeyPem();

    public static string OtherRsa { get; } = MakePem();

    /// <summary>A service account's key file, as Google makes it; <c>{base_url}</c> is put in.</summary>
    public static string Google(string pem) => System.Text.Json.JsonSerializer.Serialize(new Dictionary<string, string>
    {
        ["type"] = "service_account", ["client_email"] = "incidentfox@shop-prod-1.iam.example", ["private_key_id"] = "k1", ["private_key"] = pem, ["token_uri"] = "{base_url}/token",
    });

    /// <summary>Whether the right key signed an assertion that says this (RFC 7523), and holds now.</summary>
    public static bool Signed(string assertion, IReadOnlyDictionary<string, string> claims)
    {
        if (assertion.Split('.') is not [var header, var payload, var signature]
            || !RsaKey.VerifyData(System.Text.Encoding.ASCII.GetBytes($"{header}.{payload}"), System.Buffers.Text.Base64Url.DecodeFromChars(signature), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
            return false;
        var json = System.Text.Json.Nodes.JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(payload))!;
        return claims.All(c => (string?)json[c.Key] == c.Value) && (long)json["exp"]! - (long)json["iat"]! is > 0 and <= 3600;
    }

    private static string MakePem()
    {
        using var key = RSA.Create(2048);
        return key.ExportPkcs8PrivateKeyPem();
    }
}
