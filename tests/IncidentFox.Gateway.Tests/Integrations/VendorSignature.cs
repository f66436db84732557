using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace IncidentFox.Gateway.Tests.Integrations;

/// <summary>
/// Checks an AWS signature as AWS does, version 4, from what came over the wire: nothing of the product's own signing is used.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
/// </summary>
internal static class VendorSignature
{
    public static bool IsValid(HttpRequest request, string target, string body, string region, string service, IReadOnlyDictionary<string, string> secrets)
    {
        const string Scheme = "AWS4-HMAC-SHA256 ";
        var authorization = request.Headers.Authorization.ToString();
        var time = request.Headers["X-Amz-Date"].ToString();
        if (!authorization.StartsWith(Scheme, StringComparison.Ordinal) || time.Length != 16)
            return false;
        var parts = authorization[Scheme.Length..].Split(", ", StringSplitOptions.TrimEntries).Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);
        var scope = $"{time[..8]}/{region}/{service}/aws4_request";
        var signed = parts["SignedHeaders"].Split(';');
        if (parts["Credential"] != $"{secrets["access_key_id"]}/{scope}" || !signed.Contains("host") || !signed.Contains("x-amz-date"))
            return false;
        if (request.Headers.Keys.Any(k => k.StartsWith("X-Amz-", StringComparison.OrdinalIgnoreCase) && !signed.Contains(k.ToLowerInvariant())))
            return false;
        var question = target.IndexOf('?');
        var path = question < 0 ? target : target[..question];
        // Every escape once more, but for S3: its documentation excepts itself.
        var canonicalPath = service == "s3" ? path : string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
        var query = question < 0 ? "" : string.Join('&', target[(question + 1)..].Split('&').Select(p => p.Contains('=') ? p : p + "=").Order(StringComparer.Ordinal));
        var headers = string.Concat(signed.Select(h => $"{h}:{(h == "host" ? request.Host.ToString() : request.Headers[h].ToString()).Trim()}\n"));
        var canonical = $"{request.Method}\n{canonicalPath}\n{query}\n{headers}\n{parts["SignedHeaders"]}\n{Hash(body)}";
        var text = $"AWS4-HMAC-SHA256\n{time}\n{scope}\n{Hash(canonical)}";
        var key = Encoding.UTF8.GetBytes("AWS4" + secrets["secret_access_key"]);
        foreach (var part in scope.Split('/'))
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        return Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text))) == parts["Signature"];
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
