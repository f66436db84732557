using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Models;

/// <summary>
/// What a provider's refusal means (https://docs.anthropic.com/en/api/errors, https://platform.openai.com/docs/guides/error-codes). Its own words are looked
/// at for one thing only, whether the conversation is too long, and passed on to nobody.
/// </summary>
internal static class ProviderErrors
{
    private const int Longest = 16 * 1024;

    private static readonly string[] TooLong = ["prompt is too long", "maximum context length", "context length", "context size", "context window", "context_length_exceeded"];

    public static async Task<ProviderException> OfAsync(UpstreamResult.Response response, ModelOffer offer, CancellationToken cancellationToken)
    {
        var name = offer.Provider.Name;
        var after = RetryAfter(response);
        var (code, sentence) = response.Status switch
        {
            413 => TooLongFor(offer),
            400 or 422 when IsTooLong(await StartOfAsync(response, cancellationToken)) => TooLongFor(offer),
            429 => ("model_rate_limited", $"The provider {name} asks for patience{(after is { } s ? $": {s} s" : "")}. Wait, then ask again."),
            529 or 503 => ("model_overloaded", $"The provider {name} is overloaded. Wait, then ask again."),
            403 => ("credential_refused", $"The provider {name} does not let the installation's key use the model {offer.Name}. An admin must look at the key."),
            404 => ("model_unknown", $"The provider {name} has no model as configured for {offer.Name}, or not at that address. An admin must look at Models:Providers."),
            400 or 422 => ("model_refused_turn", $"The provider {name} does not accept this turn for the model {offer.Name}."),
            >= 500 => ("model_failed", $"The provider {name} failed (status {response.Status}). Ask again."),
            _ => ("response_refused", $"The provider {name} answered with status {response.Status}, which is no answer."),
        };
        return new ProviderException(code, sentence, mayHaveTaken: response.Status < 400) { UpstreamStatus = response.Status, RetryAfter = after };
    }

    private static (string Code, string Sentence) TooLongFor(ModelOffer offer) =>
        ("context_too_long", $"The conversation is longer than the model {offer.Name} takes. Shorten tool results or drop old messages.");

    private static int? RetryAfter(UpstreamResult.Response response) =>
        int.TryParse(response.Headers.FirstOrDefault(h => h.Name == "Retry-After").Value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? Math.Clamp(seconds, 1, 3_600) : null;

    private static bool IsTooLong(byte[] start)
    {
        try
        {
            var error = JsonNode.Parse(start, documentOptions: new JsonDocumentOptions { MaxDepth = 16 }) is JsonObject root ? root["error"] as JsonObject ?? root : null;
            return new[] { Text(error?["code"]), Text(error?["message"]) }.Any(t => TooLong.Any(p => t.Contains(p, StringComparison.OrdinalIgnoreCase)));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return false;   // longer, no JSON, a name twice, or no text
        }
    }

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";

    private static async Task<byte[]> StartOfAsync(UpstreamResult.Response response, CancellationToken cancellationToken)
    {
        var buffer = new byte[Longest];
        try
        {
            return buffer[..await response.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken)];
        }
        catch (UpstreamBodyException)
        {
            return [];
        }
    }
}
