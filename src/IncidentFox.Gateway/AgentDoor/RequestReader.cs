using IncidentFox.Contracts;
using IncidentFox.Gateway.Rules.Parsing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace IncidentFox.Gateway.AgentDoor;

/// <summary>What is wrong with a request as such, before anybody looks at what it asks.</summary>
internal readonly record struct RequestProblem(int Status, string Code, string Sentence);

/// <summary>Framing that two servers could read in two ways is refused, and so is a body that is too long or has trailers.</summary>
internal static class RequestReader
{
    private static readonly string[] Refused =
    [
        "upgrade", "trailer", "te", "expect", "x-http-method-override", "x-http-method", "x-method-override",
        "x-original-method", "x-original-url", "x-rewrite-url",
        // Kestrel's name for a Content-Length that came with a Transfer-Encoding.
        "x-content-length",
    ];

    // Who asks is known by the connection; whoever says it in a header wants to be somebody else.
    private static readonly string[] Identities =
    [
        "x-incidentfox-", "x-sandbox-", "x-investigation-", "x-team-", "x-org-", "impersonate-", "x-remote-user", "x-remote-group", "x-remote-extra-", "x-forwarded-user",
    ];

    /// <summary>What is wrong with the request as such.</summary>
    /// <param name="http">The request.</param>
    /// <param name="mayBeEncoded">A rule may take a body that is gzip; else an encoded body is refused here.</param>
    public static RequestProblem? Check(HttpContext http, bool mayBeEncoded)
    {
        var headers = http.Request.Headers;
        if (Claim(headers) is { } claim)
            return new(403, "forged_identity", $"The header {Arguments.Printable(claim)} is not accepted: who asks is known by the connection, never by what is sent.");
        if (headers.ContentEncoding.Count > 0 && !(mayBeEncoded && headers.ContentEncoding.ToString() == "gzip"))
            return new(400, "bad_request", "The header content-encoding is not accepted.");
        if (Array.Find(Refused, headers.ContainsKey) is { } name)
        {
            return name == "x-content-length"
                ? new(400, "bad_request", "A request has Content-Length or Transfer-Encoding, not both.")
                : new(400, "bad_request", $"The header {name} is not accepted.");
        }
        if (headers.Connection.Count > 0 && headers.Connection.Any(c => c is not null && c.Split(',').Any(t => t.Trim().ToLowerInvariant() is not ("" or "keep-alive" or "close"))))
            return new(400, "bad_request", "The Connection header may say keep-alive or close.");
        // What HTTP/1.0 makes of chunks, nobody can say (RFC 9112, 6.1).
        if (headers.TransferEncoding.Count > 0 && !HttpProtocol.IsHttp11(http.Request.Protocol))
            return new(400, "bad_request", "Transfer-Encoding needs HTTP/1.1.");
        if (headers.TransferEncoding.Count > 0 && !string.Equals(headers.TransferEncoding.ToString(), "chunked", StringComparison.OrdinalIgnoreCase))
            return new(400, "bad_request", "Of transfer encodings only chunked is accepted.");
        if (headers.ContentLength > Protocol.MaxMessageBytes)
            return TooLarge;
        return null;
    }

    private static string? Claim(IHeaderDictionary headers)
    {
        foreach (var (header, _) in headers)
        {
            if (header is ['x' or 'X' or 'i' or 'I', ..] && !header.Equals(Protocol.ReasonHeader, StringComparison.OrdinalIgnoreCase)
                && Array.Exists(Identities, i => header.StartsWith(i, StringComparison.OrdinalIgnoreCase)))
                return header;
        }
        return null;
    }

    public static async Task<(byte[] Body, RequestProblem? Problem)> ReadAsync(HttpContext http)
    {
        // Without either there is no body (RFC 9112, section 6.3).
        if (http.Request.Headers is { ContentLength: null or 0, TransferEncoding.Count: 0 })
            return ([], null);
        using var body = new MemoryStream();
        try
        {
            var buffer = new byte[16 * 1024];
            int read;
            while ((read = await http.Request.Body.ReadAsync(buffer, http.RequestAborted)) > 0)
            {
                if (body.Length + read > Protocol.MaxMessageBytes)
                    return ([], TooLarge);
                body.Write(buffer, 0, read);
            }
        }
        catch (BadHttpRequestException e)
        {
            // Too slow, too long or broken framing: Kestrel knows which and says so in the status.
            return ([], e.StatusCode == StatusCodes.Status413PayloadTooLarge ? TooLarge : new(e.StatusCode, "bad_request", "The request's body could not be read: too slow, or its framing is broken."));
        }
        catch (IOException) when (!http.RequestAborted.IsCancellationRequested)
        {
            // A chunk's size that is no number, or none that fits.
            return ([], new(400, "bad_request", "The request's body could not be read: its framing is broken."));
        }
        if (http.Features.Get<IHttpRequestTrailersFeature>() is { Available: true, Trailers.Count: > 0 })
            return ([], new(400, "bad_request", "Trailers are not accepted."));
        return (body.ToArray(), null);
    }

    private static RequestProblem TooLarge => new(413, "too_large", $"A message has at most {Protocol.MaxMessageBytes} bytes.");
}
