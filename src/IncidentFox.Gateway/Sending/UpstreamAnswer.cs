using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using IncidentFox.Gateway.Injection;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Scrubbing;

namespace IncidentFox.Gateway.Sending;

/// <summary>What of a target's answer is passed on: its status, a few headers, and a body that could be looked into.</summary>
internal static class UpstreamAnswer
{
    private const int LongestHeader = 500;
    private const int MostOfOneName = 5;

    // Without cookies, locations, challenges and what tells of the target's inside.
    private static readonly HashSet<string> PassedOn = new(StringComparer.OrdinalIgnoreCase)
    {
        "Date", "ETag", "Last-Modified", "Retry-After", "Warning", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
        "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Page", "X-Per-Page", "X-Next-Page", "X-Prev-Page", "X-Total", "X-Total-Pages",
    };

    // Secrets are looked for as bytes of UTF-8: in these, ASCII is the same bytes.
    private static readonly HashSet<string> ReadableCharsets = new(StringComparer.OrdinalIgnoreCase)
    {
        "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "latin1", "windows-1252",
    };

    public static async Task<UpstreamResult> OpenAsync(
        HttpResponseMessage response, Integration integration, SecretPatterns patterns, UpstreamExchange exchange)
    {
        var name = integration.Name;
        if ((int)response.StatusCode is < 200 or > 599)
            return Refused($"{name} answered with status {(int)response.StatusCode}, which is no final answer.");
        var isFramed = response.Headers.NonValidated.Contains("Transfer-Encoding");
        if (isFramed && response.Headers.TransferEncoding.Any(c => !string.Equals(c.Value, "chunked", StringComparison.OrdinalIgnoreCase)))
            return Refused($"{name} framed its answer in a way that can't be looked into.");
        var type = TypeOf(response.Content);
        if (type?.CharSet?.Trim('"') is { Length: > 0 } charset && !ReadableCharsets.Contains(charset))
            return Refused($"{name} answered in the character set {Plain(charset)}, which can't be looked into.");

        var source = await response.Content.ReadAsStreamAsync(exchange.Ends);
        var received = new BoundedStream(source, integration.Limits.ResponseBytes, name);
        var isEncoded = response.Content.Headers.NonValidated.Contains("Content-Encoding");
        var decoded = isEncoded ? Decode(response.Content.Headers.ContentEncoding, received) : received;
        if (decoded is null)
            return Refused($"{name} encoded its answer although it was asked not to, in a way that can't be looked into.");
        var bounded = ReferenceEquals(decoded, received) ? decoded : new BoundedStream(decoded, integration.Limits.ResponseBytes, name);
        // Where both are said, the length is not what frames it (RFC 9112, section 6.3).
        var length = isFramed || isEncoded ? null : response.Content.Headers.ContentLength;
        var body = new UpstreamBody(new ScrubbingStream(bounded, patterns, integration.Scrub.Foreign, name, length), exchange, name);
        return new UpstreamResult.Response(
            (int)response.StatusCode,
            Headers(response, integration, patterns),
            type is null ? null : Clean(type.ToString(), patterns),
            body,
            exchange.ReleaseAsync);
    }

    private static UpstreamResult.Failed Refused(string sentence) => new("response_refused", sentence + " It is not passed on.", mayHaveRun: true);

    internal static Stream? Decode(ICollection<string> encodings, Stream body)
    {
        var real = encodings.Where(e => !string.Equals(e, "identity", StringComparison.OrdinalIgnoreCase)).ToArray();
        if (real.Length == 0)
            return body;
        return real.Length > 1 ? null : real[0].ToLowerInvariant() switch
        {
            "gzip" or "x-gzip" => new GZipStream(body, CompressionMode.Decompress),
            "deflate" => new ZLibStream(body, CompressionMode.Decompress),   // RFC 9110, section 8.4.1.2: with zlib's frame
            "br" => new BrotliStream(body, CompressionMode.Decompress),
            _ => null,
        };
    }

    private static MediaTypeHeaderValue? TypeOf(HttpContent content) =>
        content.Headers.NonValidated.TryGetValues("Content-Type", out var values) && values.Count == 1 && MediaTypeHeaderValue.TryParse(values.ToString(), out var type)
            ? type
            : null;

    private static List<(string Name, string Value)> Headers(HttpResponseMessage response, Integration integration, SecretPatterns patterns)
    {
        var passed = new List<(string Name, string Value)>();
        foreach (var header in response.Headers.NonValidated)
            PassOn(header, passed, integration, patterns);
        foreach (var header in response.Content.Headers.NonValidated)
            PassOn(header, passed, integration, patterns);
        return passed;
    }

    private static void PassOn(KeyValuePair<string, HeaderStringValues> header, List<(string Name, string Value)> passed, Integration integration, SecretPatterns patterns)
    {
        if (PassedOn.TryGetValue(header.Key, out var name))
        {
            var left = MostOfOneName;
            foreach (var value in header.Value)
            {
                if (left-- == 0)
                    break;
                passed.Add((name, Clean(value, patterns)));
            }
        }
        else if (string.Equals(header.Key, "Link", StringComparison.OrdinalIgnoreCase) && PageLinks.Of(header.Value, integration) is { Length: > 0 } links)
        {
            passed.Add(("Link", Clean(links, patterns, PageLinks.Longest)));
        }
    }

    // Scrubbed before it is cut, so that a cut can't hide what a secret began with.
    private static string Clean(string value, SecretPatterns patterns, int longest = LongestHeader) => Plain(Scrubber.Scrub(value, patterns), longest);

    private static string Plain(string value, int longest = LongestHeader)
    {
        if (value.Length <= longest && value.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0)
            return value;
        var plain = new StringBuilder(Math.Min(value.Length, longest));
        foreach (var c in value.AsSpan(0, Math.Min(value.Length, longest)))
            plain.Append(c is >= ' ' and <= '~' ? c : '?');
        return plain.ToString();
    }
}
