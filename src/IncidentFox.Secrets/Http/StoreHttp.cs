using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace IncidentFox.Secrets.Http;

/// <summary>
/// One store's HTTP API. The token goes to the store and nowhere else: no redirects, no proxy of the environment, no cookies; TLS 1.2 or
/// later with the name checked, and a set of authorities of its own where one is given, instead of the system's. Answers are bounded.
/// </summary>
internal sealed class StoreHttp : IDisposable
{
    /// <summary>Vault keeps up to 1 MiB under one path, Kubernetes in one Secret; base64 and metadata come on top.</summary>
    private const int LargestAnswer = 2 * 1024 * 1024;

    private readonly HttpClient _http;
    private readonly Uri _address;

    public StoreHttp(Uri address, X509Certificate2Collection? authorities, X509Certificate2? clientCertificate = null)
    {
        _address = address;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxResponseHeadersLength = 32,
            SslOptions = { EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 },
        };
        if (authorities is not null)
        {
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        if (clientCertificate is not null)
        {
            handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(clientCertificate, additionalCertificates: null, offline: true);
        }

        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = LargestAnswer };
    }

    /// <summary>Sends once. Only cancellation throws.</summary>
    /// <param name="method">GET or POST.</param>
    /// <param name="path">Below the store's address, without a slash in front.</param>
    /// <param name="headers">Of the request; one of them may be the token.</param>
    /// <param name="json">The body; null for none.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public async Task<StoreAnswer> SendAsync(HttpMethod method, string path, IEnumerable<(string Name, string Value)> headers, byte[]? json, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(method, Address(path));
            if (Add(request, headers) is { } problem)
            {
                return StoreAnswer.None(problem);
            }

            if (json is not null)
            {
                request.Content = new ByteArrayContent(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            }

            using var response = await _http.SendAsync(request, cancellationToken);
            return new StoreAnswer((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancellationToken), Wait(response.Headers.RetryAfter), null);
        }
        catch (HttpRequestException e)
        {
            return StoreAnswer.None(e.HttpRequestError switch
            {
                HttpRequestError.NameResolutionError => "its name can't be resolved: check the address and DNS",
                HttpRequestError.SecureConnectionError => "its certificate is not trusted or TLS failed: check the address's name, CaFile and its authorities",
                HttpRequestError.ConfigurationLimitExceeded => $"its answer is larger than {LargestAnswer / 1024 / 1024} MiB",
                _ => "it can't be reached: check the address and the network policy",
            });
        }
        catch (IOException)
        {
            return StoreAnswer.None("the connection broke off");
        }
    }

    /// <summary>Opens an answer that goes on for as long as it likes. The status alone when it is not 200.</summary>
    /// <exception cref="HttpRequestException">There is no answer.</exception>
    /// <exception cref="IOException">What would be sent is no header, or the connection broke.</exception>
    public async Task<(int Status, HttpResponseMessage? Answer)> OpenAsync(string path, IEnumerable<(string Name, string Value)> headers, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Address(path));
        if (Add(request, headers) is { } problem)
        {
            throw new IOException(problem);
        }

        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.StatusCode == HttpStatusCode.OK)
        {
            return (200, response);
        }

        response.Dispose();
        return ((int)response.StatusCode, null);
    }

    private string Address(string path) => $"{_address.AbsoluteUri.TrimEnd('/')}/{path}";

    private static string? Add(HttpRequestMessage request, IEnumerable<(string Name, string Value)> headers)
    {
        foreach (var (name, value) in headers)
        {
            // Validation off would let a line break in a token start a header of its own; on, it throws with the value in its message.
            if (value.Any(static c => c is < ' ' or > '~') || !request.Headers.TryAddWithoutValidation(name, value))
            {
                return $"what would be sent as {name} holds characters that no header may";
            }
        }

        return null;
    }

    private static TimeSpan? Wait(RetryConditionHeaderValue? header) => header?.Delta;

    public void Dispose() => _http.Dispose();
}

/// <summary>What a store answered, if it did.</summary>
/// <param name="Status">Of HTTP; 0 without an answer.</param>
/// <param name="Body">May hold secrets.</param>
/// <param name="RetryAfter">When the store says when to come back.</param>
/// <param name="Problem">Why there is no answer: a clause in our own words.</param>
internal sealed record StoreAnswer(int Status, byte[] Body, TimeSpan? RetryAfter, string? Problem)
{
    public static StoreAnswer None(string problem) => new(0, [], null, problem);

    /// <summary>The status alone.</summary>
    public override string ToString() => Problem ?? $"{Status}";
}
