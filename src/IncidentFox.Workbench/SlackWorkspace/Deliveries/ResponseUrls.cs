using System.Security.Cryptography;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace.Blocks;

namespace IncidentFox.Workbench.SlackWorkspace.Deliveries;

/// <summary>response_url: an address that a command or a click hands to the app, good for five answers within thirty minutes.</summary>
internal sealed class ResponseUrls(SlackDoubleOptions options, SlackWorkspaceState state)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Grant> grants = [];

    private sealed record Grant(string Person, string Channel, string? MessageTs, string? ThreadTs, DateTimeOffset Ends)
    {
        public int Uses { get; set; }
    }

    /// <summary>The path below the workspace's own address.</summary>
    public string Issue(string kind, string person, string channel, string? messageTs = null, string? threadTs = null)
    {
        var id = RandomNumberGenerator.GetHexString(32, lowercase: true);
        lock (gate) grants[id] = new Grant(person, channel, messageTs, threadTs, options.TimeProvider.GetUtcNow() + options.Limits.ResponseUrlLifetime);
        return $"hooks/{kind}/{DemoPeople.TeamId}/{id}";
    }

    public (int Status, string Body) Answer(string id, JsonObject answer)
    {
        Grant grant;
        lock (gate)
        {
            if (!grants.TryGetValue(id, out var found)) return (404, Error("invalid_url"));
            grant = found;
            if (options.TimeProvider.GetUtcNow() > grant.Ends) return (404, Error("expired_url"));
            if (grant.Uses >= options.Limits.ResponseUrlUses) return (404, Error("used_url"));
            grant.Uses++;
        }

        return Apply(grant.Person, grant.Channel, grant.MessageTs, grant.ThreadTs, answer) is { } error ? (error == "no_text" ? 400 : 500, Error(error)) : (200, "ok");
    }

    /// <summary>Shows an app's answer: a new message (ephemeral unless <c>in_channel</c>), or a change to the one that was acted on. Returns Slack's error.</summary>
    public string? Apply(string person, string channel, string? messageTs, string? threadTs, JsonObject answer)
    {
        if (messageTs is not null && IsTrue(answer["delete_original"])) return state.Remove(channel, messageTs) ? null : "message_not_found";
        var text = (answer["text"] as JsonValue)?.ToString() ?? "";
        var blocks = answer["blocks"] as JsonArray;
        if (text.Length == 0 && blocks is not { Count: > 0 }) return "no_text";
        if (blocks is not null)
        {
            if (BlockRules.Check(blocks, Surface.Message).Count > 0) return "invalid_blocks";
            blocks = BlockText.WithIds(blocks);
        }

        if (messageTs is not null && IsTrue(answer["replace_original"]))
        {
            return state.Replace(channel, messageTs, text, blocks, markEdited: true) is null ? "message_not_found" : null;
        }

        var inChannel = answer["response_type"]?.ToString() == "in_channel";
        state.Post(channel, DemoPeople.BotUserId, text, blocks, answer["thread_ts"]?.ToString() ?? threadTs, inChannel ? null : person);
        return null;
    }

    private static bool IsTrue(JsonNode? node) => node is not null && node.ToString() is "true" or "True";

    private static string Error(string code) => new JsonObject { ["ok"] = false, ["error"] = code }.ToJsonString();
}
