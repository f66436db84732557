using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace IncidentFox.Gateway.Sending;

/// <summary>
/// Whether AWS refuses a signature or the key behind it. Most of its services say so with 400 or 403 and a code in the body, not with 401
/// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html).
/// </summary>
internal static partial class SignatureRefusal
{
    private static readonly HashSet<string> Codes = new(StringComparer.Ordinal)
    {
        "UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidClientTokenId", "InvalidAccessKeyId", "ExpiredToken",
        "ExpiredTokenException", "IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
        "AuthFailure", "RequestExpired",
    };

    // REST services put the code into a header that is not passed on; these are its words, and no others begin like this.
    private static readonly string[] Words = ["The security token included in the request is ", "The request signature we calculated does not match "];

    /// <summary>By the code where the service says one, never by words that could be a caller's own.</summary>
    public static bool IsRefusal(ReadOnlySpan<byte> body)
    {
        var text = Encoding.UTF8.GetString(body).TrimStart();
        if (text.StartsWith('<'))
            return ErrorCode().Match(text) is { Success: true } match && Codes.Contains(match.Groups["code"].Value);
        try
        {
            using var json = JsonDocument.Parse(text);
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                return false;
            if (root.TryGetProperty("__type", out var type) && type.ValueKind == JsonValueKind.String)
                return Codes.Contains(type.GetString()!.Split('#')[^1]);
            return root.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.String
                && Array.Exists(Words, w => message.GetString()!.StartsWith(w, StringComparison.Ordinal));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    // The Query protocol's Error, whose Code comes before any words.
    [GeneratedRegex(@"^(?:<\?[^>]*\?>)?\s*<(?:Response|ErrorResponse)[^>]*>\s*(?:<Errors>\s*)?<Error>\s*(?:<Type>[A-Za-z]*</Type>\s*)?<Code>(?<code>[A-Za-z.]+)</Code>", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex ErrorCode();
}
