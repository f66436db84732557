using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>
/// A body in a target's own binary form. It is passed on byte for byte, bounded; its digest and length are parameters of the call, so that the audit row
/// says which bytes were sent. Only for bodies that ask and can't change anything: git's upload-pack (https://git-scm.com/docs/http-protocol).
/// </summary>
internal static class OpaqueBody
{
    /// <summary>The only content type there is a rule for. git-receive-pack, which writes, has another.</summary>
    public const string ContentType = "application/x-git-upload-pack-request";

    /// <summary>What a path to it ends with.</summary>
    public const string Service = "git-upload-pack";

    /// <summary>SHA-256 of the body, hex.</summary>
    public const string DigestParameter = "body_sha256";

    /// <summary>Its length.</summary>
    public const string LengthParameter = "body_bytes";

    public static IReadOnlyList<ToolParameter> Parameters(int atMost) =>
    [
        new() { Name = DigestParameter, Type = ParameterType.String, Description = "SHA-256 of the body", Pattern = "[0-9a-f]{64}" },
        new() { Name = LengthParameter, Type = ParameterType.Integer, Description = "Length of the body in bytes", Min = 1, Max = atMost },
    ];

    public static bool IsParameter(string name) => name is DigestParameter or LengthParameter;

    public static string Digest(ReadOnlySpan<byte> body) => Convert.ToHexStringLower(SHA256.HashData(body));

    /// <summary>Puts digest and length, and keeps the body beside them.</summary>
    public static void Bind(Binding binding, IncomingRequest request, int atMost)
    {
        var encoding = request.Header("content-encoding");
        if (!request.HasBody)
            binding.Problems.Add("its body is missing");
        else if (request.MediaType != binding.Rule.ContentType)
            binding.Problems.Add($"its body is {binding.Rule.ContentType}");
        else if (encoding is not (null or "gzip"))
            binding.Problems.Add("its body may be gzip, and is in no other encoding");
        else if ((encoding is null ? request.Body.ToArray() : Decode(request.Body, atMost)) is not { } body)
            binding.Problems.Add("its body is not gzip");
        else if (body.Length == 0 || body.Length > atMost)
            binding.Problems.Add($"its body has 1 to {atMost} bytes");
        else
        {
            binding.Put(DigestParameter, Digest(body));
            binding.Put(LengthParameter, JsonValue.Create((decimal)body.Length));
            binding.Opaque = body;
        }
    }

    // A byte more than is allowed shows that there is more; how much more is never found out.
    private static byte[]? Decode(ReadOnlyMemory<byte> body, int atMost)
    {
        try
        {
            using var gzip = new GZipStream(new MemoryStream(body.ToArray()), CompressionMode.Decompress);
            var decoded = new byte[atMost + 1];
            var length = gzip.ReadAtLeast(decoded, decoded.Length, throwOnEndOfStream: false);
            return decoded[..length];
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
