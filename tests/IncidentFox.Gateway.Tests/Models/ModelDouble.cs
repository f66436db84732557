using System.Text.Json.Nodes;
using IncidentFox.Gateway.Tests.Injection;

namespace IncidentFox.Gateway.Tests.Models;

/// <summary>
/// Providers' servers with the rules that the real ones have: path, key's header, version, required and known members, roles that follow each other.
/// https://docs.anthropic.com/en/api/messages, https://platform.openai.com/docs/api-reference/chat/create,
/// https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
/// </summary>
internal static class ModelDouble
{
    public const string Key = "sk-canary-0123456789abcdef";

    public static Reply Answer(string kind, Seen seen, string key = Key) => kind == "anthropic" ? Anthropic(seen, key) : Chat(kind, seen, key);

    public static string Path(string kind) => kind switch { "anthropic" => "/v1/messages", "azure_openai" => "/openai/v1/chat/completions", _ => "/v1/chat/completions" };

    private static Reply Anthropic(Seen seen, string key)
    {
        if (seen.Method != "POST" || seen.Target != Path("anthropic"))
            return Error(404, "not_found_error");
        if (seen.Header("x-api-key") != key || seen.Headers.ContainsKey("Authorization"))
            return Error(401, "authentication_error");
        if (!DateOnly.TryParseExact(seen.Header("anthropic-version"), "yyyy-MM-dd", out _) || seen.Headers.ContainsKey("anthropic-beta"))
            return Error(400, "invalid_request_error");
        var body = (JsonObject)JsonNode.Parse(seen.Text)!;
        var known = new[] { "model", "max_tokens", "messages", "system", "tools", "tool_choice" };
        if (body.Any(m => !known.Contains(m.Key)) || body["max_tokens"]?.GetValue<int>() is null or < 1 || body["messages"] is not JsonArray { Count: > 0 } messages
            || (string?)messages[0]!["role"] != "user" || messages.Any(m => (string?)m!["role"] is not ("user" or "assistant")))
            return Error(400, "invalid_request_error");
        if ((string?)body["model"] != "the-model")
            return Error(404, "not_found_error");
        foreach (var tool in body["tools"] as JsonArray ?? [])
        {
            if (tool!.AsObject().Any(m => m.Key is not ("name" or "description" or "input_schema")))
                return Error(400, "invalid_request_error");
        }
        var content = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = "canary-answer" });
        if (body.ContainsKey("tools"))
            content.Add(new JsonObject { ["type"] = "tool_use", ["id"] = "toolu_1", ["name"] = "list_pods", ["input"] = new JsonObject { ["namespace"] = "shop" } });
        return new(200, new JsonObject
        {
            ["id"] = "msg_1", ["type"] = "message", ["role"] = "assistant", ["model"] = "the-model", ["content"] = content,
            ["stop_reason"] = body.ContainsKey("tools") ? "tool_use" : "end_turn", ["stop_sequence"] = null,
            ["usage"] = new JsonObject { ["input_tokens"] = 120, ["output_tokens"] = 30 },
        }.ToJsonString());
    }

    private static Reply Chat(string kind, Seen seen, string key)
    {
        if (seen.Method != "POST" || seen.Target != Path(kind))
            return Error(404, "not_found");
        if (kind == "azure_openai" ? seen.Header("api-key") != key || seen.Headers.ContainsKey("Authorization") : seen.Header("Authorization") != "Bearer " + key)
            return Error(401, "invalid_api_key");
        var body = (JsonObject)JsonNode.Parse(seen.Text)!;
        // The newer name where it is known, the older one where nothing else may be.
        var most = kind == "openai_compatible" ? "max_tokens" : "max_completion_tokens";
        var known = new[] { "model", "messages", most, "tools", "tool_choice" };
        if (body.Any(m => !known.Contains(m.Key)) || body[most]?.GetValue<int>() is null or < 1 || body["messages"] is not JsonArray { Count: > 0 } messages
            || messages.Any(m => (string?)m!["role"] is not ("system" or "user" or "assistant" or "tool")))
            return Error(400, "invalid_request_error");
        if ((string?)body["model"] != "the-model")
            return Error(404, "model_not_found");
        if ((body["tools"] as JsonArray ?? []).Any(t => (string?)t!["type"] != "function"))
            return Error(400, "invalid_request_error");
        var message = new JsonObject { ["role"] = "assistant", ["content"] = "canary-answer" };
        if (body.ContainsKey("tools"))
        {
            message["tool_calls"] = new JsonArray(new JsonObject
            {
                ["id"] = "toolu_1", ["type"] = "function", ["function"] = new JsonObject { ["name"] = "list_pods", ["arguments"] = """{"namespace":"shop"}""" },
            });
        }
        return new(200, new JsonObject
        {
            ["id"] = "c-1", ["object"] = "chat.completion", ["created"] = 1, ["model"] = "the-model",
            ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["message"] = message, ["finish_reason"] = body.ContainsKey("tools") ? "tool_calls" : "stop" }),
            ["usage"] = new JsonObject { ["prompt_tokens"] = 120, ["completion_tokens"] = 30, ["total_tokens"] = 150 },
        }.ToJsonString());
    }

    private static Reply Error(int status, string type) =>
        new(status, new JsonObject { ["type"] = "error", ["error"] = new JsonObject { ["type"] = type, ["code"] = type, ["message"] = "provider's own words" } }.ToJsonString());
}
