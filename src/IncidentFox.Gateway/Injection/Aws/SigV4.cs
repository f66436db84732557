using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Injection.Aws;

/// <summary>An access key; with temporary credentials a session token too.</summary>
internal readonly record struct AwsKey(string Id, string Secret, string? SessionToken)
{
    public override string ToString() => "[redacted]";
}

/// <summary>What is signed of a request.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">As it is sent.</param>
/// <param name="Query">As it is sent, without the question mark; empty without one.</param>
/// <param name="Headers">Those that are signed, host among them: lower-case names.</param>
/// <param name="BodyHash">SHA-256 of the body that is sent, lower-case hex.</param>
internal readonly record struct SignedRequest(string Method, string Path, string Query, IReadOnlyList<(string Name, string Value)> Headers, string BodyHash);

/// <summary>
/// AWS Signature Version 4 (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). Pure: the same
/// signature for the same request, key and time.
/// </summary>
internal static class SigV4
{
    public const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>As it stands in <c>X-Amz-Date</c>.</summary>
    public static string Timestamp(DateTimeOffset at) => at.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);

    /// <summary>SHA-256 in lower-case hex.</summary>
    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>The value of <c>Authorization</c> and the signature in it.</summary>
    public static (string Header, string Signature) Sign(in SignedRequest request, in AwsKey key, string timestamp, string region, string service)
    {
        var scope = $"{timestamp[..8]}/{region}/{service}/aws4_request";
        var toSign = $"{Algorithm}\n{timestamp}\n{scope}\n{Hash(Encoding.UTF8.GetBytes(Canonical(request, service)))}";
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(SigningKey(key.Secret, timestamp[..8], region, service), Encoding.UTF8.GetBytes(toSign)));
        return ($"{Algorithm} Credential={key.Id}/{scope}, SignedHeaders={Names(request.Headers)}, Signature={signature}", signature);
    }

    /// <summary>The canonical request.</summary>
    internal static string Canonical(in SignedRequest request, string service)
    {
        var text = new StringBuilder().Append(request.Method).Append('\n').Append(CanonicalPath(request.Path, service)).Append('\n').Append(CanonicalQuery(request.Query)).Append('\n');
        foreach (var (name, value) in Sorted(request.Headers))
            text.Append(name).Append(':').Append(Trimmed(value)).Append('\n');
        return text.Append('\n').Append(Names(request.Headers)).Append('\n').Append(request.BodyHash).ToString();
    }

    // Encoded once more than it was sent; S3 alone takes it as sent, in one form.
    private static string CanonicalPath(string path, string service)
    {
        var segments = (path.Length == 0 ? "/" : path).Split('/');
        return string.Join('/', service == "s3" ? segments.Select(s => Percent.Encode(Uri.UnescapeDataString(s))) : segments.Select(Percent.Encode));
    }

    // Each key and value in one form, sorted as bytes; a key without value has an empty one.
    private static string CanonicalQuery(string query)
    {
        if (query.Length == 0)
            return "";
        var pairs = query.Split('&').Select(p => p.Split('=', 2)).Select(p => (Key: Form(p[0]), Value: p.Length > 1 ? Form(p[1]) : ""));
        return string.Join('&', pairs.OrderBy(p => p.Key, StringComparer.Ordinal).ThenBy(p => p.Value, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"));
    }

    private static string Form(string text) => Percent.Encode(Uri.UnescapeDataString(text));

    private static IEnumerable<(string Name, string Value)> Sorted(IReadOnlyList<(string Name, string Value)> headers) => headers.OrderBy(h => h.Name, StringComparer.Ordinal);

    private static string Names(IReadOnlyList<(string Name, string Value)> headers) => string.Join(';', Sorted(headers).Select(h => h.Name));

    // Without spaces at the ends, and one where several follow each other.
    private static string Trimmed(string value) => string.Join(' ', value.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static byte[] SigningKey(string secret, string date, string region, string service)
    {
        static byte[] Step(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));
        return Step(Step(Step(Step(Encoding.UTF8.GetBytes("AWS4" + secret), date), region), service), "aws4_request");
    }
}
