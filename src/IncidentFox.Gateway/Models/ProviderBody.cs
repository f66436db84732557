using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Models;

/// <summary>What the OpenAI library writes that differs from what is meant.</summary>
internal static class ProviderBody
{
    public static byte[] Prepare(byte[] body, ModelOffer offer)
    {
        if (offer.Provider.Kind == ModelKind.Anthropic)
            return body;
        var root = (JsonObject)JsonNode.Parse(body, documentOptions: new JsonDocumentOptions { MaxDepth = 128 })!;
        // Compatible servers know the older name, and some of them only that: without it an answer would have no bound.
        if (offer.Provider.Kind == ModelKind.OpenAICompatible && root.Remove("max_completion_tokens", out var most))
            root["max_tokens"] = most;
        // It indents arguments: what is set aside for a turn is reckoned from what the agent sent.
        foreach (var call in (root["messages"] as JsonArray ?? []).SelectMany(m => m?["tool_calls"] as JsonArray ?? []))
        {
            if (call?["function"] is JsonObject function && function["arguments"]?.GetValue<string>() is { } arguments)
                function["arguments"] = JsonNode.Parse(arguments)!.ToJsonString();
        }
        return JsonSerializer.SerializeToUtf8Bytes<JsonNode>(root, Deep);
    }

    private static readonly JsonSerializerOptions Deep = new() { MaxDepth = 128 };
}
