using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Api;

/// <summary>One Web API method: what it is limited to, whether it takes JSON bodies, and what it does.</summary>
internal sealed record ApiMethod(string Name, int CallsPerMinute, bool AcceptsJson, Func<Arguments, JsonObject> Answer, bool WantsAppToken = false);

/// <summary>A call as it was made; the token is left out.</summary>
public sealed record ApiCall(DateTimeOffset At, string Method, JsonObject Arguments, int Status, string? Error, JsonObject Answer)
{
    public bool Ok => Error is null && Status == 200;
}

internal static class Answers
{
    public static JsonObject Ok(params ReadOnlySpan<(string Name, JsonNode? Value)> fields)
    {
        var answer = new JsonObject { ["ok"] = true };
        foreach (var (name, value) in fields) answer[name] = value;
        return answer;
    }

    public static JsonObject Fail(string error, params IEnumerable<string> messages)
    {
        var answer = new JsonObject { ["ok"] = false, ["error"] = error };
        var list = messages.ToList();
        if (list.Count > 0) answer["response_metadata"] = new JsonObject { ["messages"] = new JsonArray([.. list.Select(m => (JsonNode?)m)]) };
        return answer;
    }

    public static JsonObject Missing(string name) => Fail("invalid_arguments", $"[ERROR] missing required field: {name}");
}
