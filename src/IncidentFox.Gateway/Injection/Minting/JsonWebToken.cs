using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Injection.Minting;

/// <summary>Signs assertions: JSON Web Tokens with RS256 (RFC 7515, RFC 7518 section 3.3).</summary>
internal static class JsonWebToken
{
    /// <summary>The token.</summary>
    /// <param name="privateKey">PEM: PKCS#1 or PKCS#8, not encrypted.</param>
    /// <param name="keyId">The header's <c>kid</c>; null without one.</param>
    /// <param name="claims">The payload.</param>
    /// <param name="reference">Of the key, for the error.</param>
    /// <exception cref="MintException">The key can't be used.</exception>
    public static string Sign(string privateKey, string? keyId, JsonObject claims, string reference)
    {
        var header = new JsonObject { ["alg"] = "RS256", ["typ"] = "JWT" };
        if (keyId is not null)
            header["kid"] = keyId;
        var signed = $"{Part(header)}.{Part(claims)}";
        try
        {
            using var rsa = RSA.Create();
            rsa.ImportFromPem(privateKey);
            if (rsa.KeySize is < 2048 or > 8192)
                throw new MintException($"The key at {reference} has {rsa.KeySize} bits: 2048 to 8192 are used.");
            return $"{signed}.{Base64Url.EncodeToString(rsa.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new MintException($"What is at {reference} is no private RSA key in PEM (not encrypted, one key alone).");
        }
    }

    private static string Part(JsonObject json) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(json));
}
