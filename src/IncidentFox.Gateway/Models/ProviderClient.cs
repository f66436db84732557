using System.ClientModel;
using System.ClientModel.Primitives;
using Anthropic;
using IncidentFox.Gateway.Sending;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace IncidentFox.Gateway.Models;

/// <summary>Asks a provider in the words of its own library, which writes to <see cref="ProviderTransport"/> and nowhere else.</summary>
internal sealed class ProviderClient(IUpstreamSender sender)
{
    // The libraries insist on one. It goes nowhere.
    private const string NoKey = "none";

    // The sender has the time limit that counts.
    private static readonly TimeSpan Never = TimeSpan.FromHours(1);

    /// <summary>The whole answer.</summary>
    /// <exception cref="ProviderException">There is none.</exception>
    public async Task<ChatResponse> AskAsync(ModelOffer offer, List<ChatMessage> messages, ChatOptions options, SendContext context, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new ProviderTransport(offer, sender, context)) { Timeout = Timeout.InfiniteTimeSpan };
        using var client = offer.Provider.Kind == ModelKind.Anthropic ? Anthropic(http, offer) : OpenAI(http, offer);
        try
        {
            return await client.GetResponseAsync(messages, options, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            if (Find(e) is { } known)
                throw known;
            // A library on an answer that is none of its provider's: its words may hold what the answer held.
            throw new ProviderException("response_refused", $"The provider {offer.Provider.Name} gave an answer that can't be read ({e.GetType().Name}).", mayHaveTaken: true);
        }
    }

    private static IChatClient Anthropic(HttpClient http, ModelOffer offer) => new AnthropicClient(new Anthropic.Core.ClientOptions
    {
        // All that it would otherwise take from the environment.
        HttpClient = http, BaseUrl = ProviderTransport.Host, ApiKey = NoKey, AuthToken = null, WebhookKey = null, MaxRetries = 0, Timeout = Never,
    }).AsIChatClient(offer.Id, offer.MaxOutputTokens);

    private static IChatClient OpenAI(HttpClient http, ModelOffer offer) => new ChatClient(offer.Id, new ApiKeyCredential(NoKey), new OpenAIClientOptions
    {
        Endpoint = new Uri(ProviderTransport.Host), Transport = new HttpClientPipelineTransport(http), RetryPolicy = new ClientRetryPolicy(maxRetries: 0), NetworkTimeout = Never,
    }).AsIChatClient();

    private static ProviderException? Find(Exception? e) =>
        e is null ? null : e as ProviderException ?? (e is AggregateException several ? several.InnerExceptions.Select(Find).FirstOrDefault(f => f is not null) : Find(e.InnerException));
}
