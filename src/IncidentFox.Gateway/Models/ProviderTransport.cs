using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Models;

/// <summary>
/// What a provider's library takes for the network. Of its request only the body and the version of the API are used; it goes out as a call of an integration
/// does: address policy, credential, one refresh on 401, limits, scrubbing. So the library never sees a key, and nothing but a whole answer of 200.
/// </summary>
internal sealed class ProviderTransport(ModelOffer offer, IUpstreamSender sender, SendContext context) : HttpMessageHandler
{
    public const string Host = "http://model.invalid";

    /// <summary>Where the kind's API is asked, below its base address.</summary>
    public static string PathOf(ModelKind kind) => kind == ModelKind.Anthropic ? "/v1/messages" : "/chat/completions";

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var provider = offer.Provider;
        if (request.Method != HttpMethod.Post || request.RequestUri?.AbsoluteUri != Host + PathOf(provider.Kind) || request.Content is null)
            throw new InvalidOperationException($"The library for {provider.Kind} asks for something other than an answer.");
        var result = await sender.SendAsync(new OutgoingRequest
        {
            Integration = provider.Target,
            Method = "POST",
            PathAndQuery = provider.Target.BaseUrl.AbsolutePath.TrimEnd('/') + PathOf(provider.Kind),
            Headers = Headers(request),
            ContentType = "application/json",
            Body = ProviderBody.Prepare(await request.Content.ReadAsByteArrayAsync(cancellationToken), offer),
            UseWriteCredential = false,
            Call = new ToolCall { Integration = provider.Target.Name, Tool = ModelAdmission.Tool, Effect = ToolEffect.Read, RuleVersion = "", Parameters = new JsonObject { ["model"] = offer.Name } },
        }, context, cancellationToken);
        if (result is UpstreamResult.Failed failed)
            throw new ProviderException(failed.Code, failed.Sentence, failed.MayHaveRun) { RetryAfter = failed.RetryAfter is { } wait ? (int)Math.Clamp(Math.Ceiling(wait.TotalSeconds), 1, 3_600) : null };
        await using var response = (UpstreamResult.Response)result;
        if (response.Status != (int)HttpStatusCode.OK)
            throw await ProviderErrors.OfAsync(response, offer, cancellationToken);
        try
        {
            using var body = new MemoryStream();
            await response.Body.CopyToAsync(body, cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.OK)
            {
                RequestMessage = request,
                Content = new ByteArrayContent(body.ToArray()) { Headers = { ContentType = new MediaTypeHeaderValue("application/json", "utf-8") } },
            };
        }
        catch (UpstreamBodyException e)
        {
            throw new ProviderException(e.Code, e.Message, mayHaveTaken: true) { UpstreamStatus = response.Status };
        }
    }

    private static List<(string Name, string Value)> Headers(HttpRequestMessage request)
    {
        List<(string Name, string Value)> headers = [("Accept", "application/json")];
        // The shape of the body goes with it, so the library says which. https://docs.anthropic.com/en/api/versioning
        if (request.Headers.TryGetValues("anthropic-version", out var version))
            headers.Add(("anthropic-version", version.Single()));
        return headers;
    }
}
