using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Slack.BlockKit;
using IncidentFox.Slack.Inbound;

namespace IncidentFox.Slack.WebApi;

internal sealed class SlackClient(SlackCaller caller, SlackOptions options) : ISlackClient
{
    private const string JsonType = "application/json; charset=utf-8";
    private const string FormType = "application/x-www-form-urlencoded";
    private const string ResponseUrlHost = "hooks.slack.com";
    private const int MaxPages = 100;

    public ValueTask<SlackResult<PostedMessage>> PostMessageAsync(string channelId, SlackMessage message, string? threadTs = null, CancellationToken cancellationToken = default)
    {
        var json = InChannel(channelId, message);
        json["thread_ts"] = threadTs;

        // Slack: "no more than one message per second per channel".
        return caller.CallAsync(Write("chat.postMessage", json, $"chat.postMessage:{channelId}", options.PostInterval), ReadPosted, cancellationToken);
    }

    public ValueTask<SlackResult<PostedMessage>> UpdateMessageAsync(string channelId, string ts, SlackMessage message, CancellationToken cancellationToken = default)
    {
        var json = InChannel(channelId, message);
        json["ts"] = ts;
        return caller.CallAsync(Write("chat.update", json) with { SafeToRepeat = true }, ReadPosted, cancellationToken);
    }

    public ValueTask<SlackResult<SlackDone>> PostEphemeralAsync(
        string channelId, string userId, SlackMessage message, string? threadTs = null, CancellationToken cancellationToken = default)
    {
        var json = InChannel(channelId, message);
        json["user"] = userId;
        json["thread_ts"] = threadTs;
        return caller.CallAsync(Write("chat.postEphemeral", json), Done, cancellationToken);
    }

    public ValueTask<SlackResult<SlackDone>> OpenViewAsync(string triggerId, SlackView view, CancellationToken cancellationToken = default) =>
        caller.CallAsync(Write("views.open", new JsonObject { ["trigger_id"] = triggerId, ["view"] = ViewJson(view) }), Done, cancellationToken);

    public ValueTask<SlackResult<SlackDone>> PublishHomeAsync(string userId, HomeView view, CancellationToken cancellationToken = default)
    {
        var json = new JsonObject { ["user_id"] = userId, ["view"] = ViewJson(view) };
        return caller.CallAsync(Write("views.publish", json) with { SafeToRepeat = true }, Done, cancellationToken);
    }

    public ValueTask<SlackResult<SlackUser>> GetUserAsync(string userId, CancellationToken cancellationToken = default) =>
        caller.CallAsync(Read("users.info", ("user", userId)), AnswerReader.User, cancellationToken);

    public async ValueTask<SlackResult<IReadOnlyList<SlackChannel>>> ListChannelsAsync(CancellationToken cancellationToken = default)
    {
        List<SlackChannel> channels = [];
        var cursor = "";
        for (var page = 0; page < MaxPages; page++)
        {
            var call = Read("conversations.list", ("types", "public_channel,private_channel"), ("exclude_archived", "true"), ("limit", "200"), ("cursor", cursor));
            var result = await caller.CallAsync(call, AnswerReader.Channels, cancellationToken);
            if (!result.Ok)
            {
                return result.Error;
            }

            channels.AddRange(result.Value.Channels);
            if (result.Value.NextCursor is not { Length: > 0 } next)
            {
                return channels;
            }

            cursor = next;
        }

        return new SlackError("too_many_channels", 200, null, CanRetry: false, SlackDelivery.NotDelivered, $"more than {MaxPages} pages");
    }

    public ValueTask<SlackResult<IReadOnlyList<string>>> ListUserGroupMembersAsync(string userGroupId, CancellationToken cancellationToken = default) =>
        caller.CallAsync(Read("usergroups.users.list", ("usergroup", userGroupId)), AnswerReader.Members, cancellationToken);

    public ValueTask<SlackResult<IReadOnlyList<SlackUserGroup>>> ListUserGroupsAsync(CancellationToken cancellationToken = default) =>
        caller.CallAsync(Read("usergroups.list", ("include_users", "true")), AnswerReader.UserGroups, cancellationToken);

    public ValueTask<SlackResult<SlackIdentity>> AuthTestAsync(CancellationToken cancellationToken = default) =>
        caller.CallAsync(Read("auth.test"), AnswerReader.Identity, cancellationToken);

    public ValueTask<SlackResult<string>> GetPermalinkAsync(string channelId, string ts, CancellationToken cancellationToken = default) =>
        caller.CallAsync(Read("chat.getPermalink", ("channel", channelId), ("message_ts", ts)), root => root.RequiredText("permalink"), cancellationToken);

    public async ValueTask<SlackResult<SlackDone>> RespondAsync(string responseUrl, SlackMessage message, bool replaceOriginal = false, CancellationToken cancellationToken = default)
    {
        if (!IsSlacks(responseUrl, out var url))
        {
            return new SlackError("refused_url", 0, null, CanRetry: false, SlackDelivery.NotDelivered, "the response_url is not an address of Slack");
        }

        var json = MessageJson.Of(message);
        json["response_type"] = "ephemeral";
        json["replace_original"] = replaceOriginal;
        var call = new SlackCall(url, default, Bytes(json), JsonType, "response_url", TimeSpan.Zero, SafeToRepeat: false);
        return await caller.CallAsync(call, Done, cancellationToken);
    }

    // The address came in with a request: without this check, whoever could forge one could have us post anywhere inside the network.
    private bool IsSlacks(string responseUrl, out Uri url)
    {
        if (!Uri.TryCreate(responseUrl, UriKind.Absolute, out url!) || url.UserInfo.Length > 0)
        {
            return false;
        }

        var hooks = url is { Scheme: "https", IsDefaultPort: true } && url.IdnHost.Equals(ResponseUrlHost, StringComparison.OrdinalIgnoreCase);
        var api = options.ApiBaseUrl;
        return hooks || (url.Scheme == api.Scheme && url.Authority.Equals(api.Authority, StringComparison.OrdinalIgnoreCase));
    }

    private static JsonObject InChannel(string channelId, SlackMessage message)
    {
        var json = MessageJson.Of(message);
        json["channel"] = channelId;
        return json;
    }

    private static JsonNode? ViewJson(SlackView view) => JsonSerializer.SerializeToNode(view, SlackJson.Options);

    private static SlackDone Done(JsonElement root) => SlackDone.Instance;

    private static PostedMessage ReadPosted(JsonElement root) => new(root.RequiredText("channel"), root.RequiredText("ts"));

    private SlackCall Write(string method, JsonObject json, string? rateKey = null, TimeSpan interval = default) =>
        new(new Uri(options.ApiBaseUrl, method), options.BotToken, Bytes(json), JsonType, rateKey ?? method, interval, SafeToRepeat: false);

    // Slack's reading methods take forms only.
    private SlackCall Read(string method, params ReadOnlySpan<(string Name, string Value)> arguments)
    {
        var form = new StringBuilder();
        foreach (var (name, value) in arguments)
        {
            form.Append(form.Length == 0 ? "" : "&").Append(name).Append('=').Append(Uri.EscapeDataString(value));
        }

        return new(new Uri(options.ApiBaseUrl, method), options.BotToken, Encoding.UTF8.GetBytes(form.ToString()), FormType, method, TimeSpan.Zero, SafeToRepeat: true);
    }

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString(SlackJson.Options));
}
