using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Security.Cryptography;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Injection.Minting;

/// <summary>What a token endpoint answered, whole. It goes to nobody: what is of use in it is taken out.</summary>
internal readonly record struct MintAnswer(int Status, byte[] Body)
{
    public override string ToString() => $"status {Status}";
}

/// <summary>
/// Asks token endpoints under the integration's own address policy and TLS rules: no redirects, no cookies, no proxy, a bounded answer.
/// </summary>
internal sealed class MintClient(UpstreamPools pools)
{
    private const int MaxAnswer = 64 * 1024;

    /// <summary>Sends and reads the whole answer.</summary>
    /// <exception cref="MintException">There is no answer that can be used.</exception>
    public async Task<MintAnswer> SendAsync(InjectionContext context, HttpRequestMessage message, CancellationToken cancellationToken)
    {
        var endpoint = message.RequestUri!;
        message.Version = HttpVersion.Version11;
        message.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        message.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");
        message.Headers.TryAddWithoutValidation("User-Agent", "IncidentFox-Gateway");
        try
        {
            using var lease = pools.Rent(context.Integration with { BaseUrl = new Uri(endpoint.GetLeftPart(UriPartial.Authority)) }, context.Caller.Team, identity: null);
            using var response = await lease.Invoker.SendAsync(message, cancellationToken);
            if (response.Content.Headers.ContentEncoding.Count > 0)
                throw new MintException($"The token endpoint {endpoint.Host} encoded its answer although it was asked not to.");
            return new((int)response.StatusCode, await ReadAsync(response, endpoint, cancellationToken));
        }
        catch (Exception e) when (e is not MintException and not OperationCanceledException && Describe(e) is { } what)
        {
            throw new MintException($"The token endpoint {endpoint.Host} {what}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MintException($"The token endpoint {endpoint.Host} can't be reached: no connection to it can be made.");   // the handler's own limit for connecting
        }
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, Uri endpoint, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[MaxAnswer + 1];
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return length <= MaxAnswer
            ? buffer[..length]
            : throw new MintException($"The token endpoint {endpoint.Host} answered with more than {MaxAnswer} bytes, which is no token.");
    }

    // Null: a bug, which is not for us to explain away. Never the exception's words, which may be the endpoint's.
    private static string? Describe(Exception e)
    {
        for (var inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is AddressRefusedException)
                return "is at an address that the integration may not go to (or is asked over plain http at a public one): declare its range under network.allow, or use https.";
            if (inner is AuthenticationException)
                return "has a certificate that is not trusted: with a ca_file of the integration, that file must hold its authority too.";
        }
        return e switch
        {
            HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError } => "can't be reached: no connection to it can be made.",
            HttpRequestException or IOException => "ended the connection before it answered, or its answer breaks the rules of HTTP.",
            CryptographicException or UnauthorizedAccessException => "can't be asked: the integration's ca_file can't be read.",
            _ => null,
        };
    }
}

/// <summary>Bodies and headers of requests to token endpoints.</summary>
internal static class MintRequest
{
    /// <summary>A form (RFC 6749, appendix B). Values stay out of every log: nothing writes this text.</summary>
    public static HttpRequestMessage Form(string endpoint, params ReadOnlySpan<(string Name, string? Value)> values)
    {
        var pairs = new List<string>();
        foreach (var (name, value) in values)
        {
            if (value is not null)
                pairs.Add($"{name}={Encode(value)}");
        }
        var message = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new ByteArrayContent(System.Text.Encoding.ASCII.GetBytes(string.Join('&', pairs))) };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded");
        message.Headers.TryAddWithoutValidation("Accept", "application/json");
        return message;
    }

    public static string Encode(string text) => Rules.Percent.Encode(text).Replace("%20", "+", StringComparison.Ordinal);
}
