using System.Net;
using IncidentFox.Gateway.Injection;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Sending;

/// <summary>Turns a request into HTTP. What a rule could only say by mistake is a bug here and throws.</summary>
internal static class OutgoingMessage
{
    // Framing, credentials and encodings are the sender's; the rest speaks to proxies on the way.
    private static readonly HashSet<string> NotForRules = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Expect", "Content-Length", "Content-Type",
        "Content-Encoding", "Accept-Encoding", "Authorization", "Proxy-Authorization", "Cookie", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
    };

    public static HttpRequestMessage Create(OutgoingRequest request)
    {
        if (request.Method is not ("GET" or "HEAD" or "OPTIONS" or "POST" or "PUT" or "PATCH" or "DELETE"))
            throw new ArgumentException($"{request.Integration.Name}: the method of {request.Call.Tool} is none that is sent.", nameof(request));
        var message = new HttpRequestMessage(HttpMethod.Parse(request.Method), Target(request))
        {
            Version = HttpVersion.Version11,   // one request at a time on a connection: what was sent is known
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        message.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");   // so that what comes back can be read
        message.Headers.TryAddWithoutValidation("User-Agent", "IncidentFox-Gateway");
        foreach (var (name, value) in request.Headers)
        {
            message.Headers.Remove(name);
            if (NotForRules.Contains(name) || HeaderText.HasControl(value) || !message.Headers.TryAddWithoutValidation(name, value))
                throw new ArgumentException($"{request.Integration.Name}: {request.Call.Tool} can't send the header {name}.", nameof(request));
        }
        if (request.Transport == RuleTransport.KubernetesExec)
            KubernetesExec.Upgrade(message);
        if (request.Body is null)
            return message;
        message.Content = new ByteArrayContent(request.Body);
        if (request.ContentType is { } type && (HeaderText.HasControl(type) || !message.Content.Headers.TryAddWithoutValidation("Content-Type", type)))
            throw new ArgumentException($"{request.Integration.Name}: {request.Call.Tool} can't send that content type.", nameof(request));
        return message;
    }

    private static Uri Target(OutgoingRequest request)
    {
        var path = request.PathAndQuery;
        if (!path.StartsWith('/') || path.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0 || path.AsSpan().IndexOfAny('#', '\\') >= 0)
            throw new ArgumentException($"{request.Integration.Name}: the path of {request.Call.Tool} is not encoded.", nameof(request));
        return Address(request.Integration, path);
    }

    /// <summary>System.Uri would decode and rearrange ("%2e%2e", "%41"): what was built, digested and approved is sent byte for byte.</summary>
    public static Uri Address(Integration integration, string pathAndQuery)
    {
        var target = new Uri(integration.Origin + pathAndQuery, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        return target.PathAndQuery == pathAndQuery && target.GetLeftPart(UriPartial.Authority) == integration.Origin
            ? target
            : throw new ArgumentException($"{integration.Name}: a path would not be sent as it stands.", nameof(pathAndQuery));
    }
}
