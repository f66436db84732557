using System.Text.Json;

namespace IncidentFox.Slack.Inbound;

internal static class EventParser
{
    /// <param name="payload">The outer <c>event_callback</c>.</param>
    public static SlackEvent Parse(JsonElement payload)
    {
        var inner = payload.Object("event") ?? throw new MalformedPayloadException("event is missing");
        return new SlackEvent
        {
            EventId = payload.RequiredText("event_id") is { Length: <= 64 } id ? id : throw new MalformedPayloadException("event_id is too long"),
            Type = inner.RequiredText("type"),
            Subtype = inner.Text("subtype"),
            UserId = UserOf(inner),
            ChannelId = ChannelOf(inner),
            ChannelType = inner.Text("channel_type"),
            Text = inner.Text("text"),
            Ts = inner.Text("ts"),
            ThreadTs = inner.Text("thread_ts"),
            TeamId = payload.Id("team_id"),
            EnterpriseId = payload.Id("enterprise_id"),
            ApiAppId = payload.Id("api_app_id"),
            UserTeamId = inner.Id("user_team") ?? inner.Id("source_team") ?? inner.Id("team"),
            BotId = inner.Id("bot_id"),
            IsExternallyShared = payload.Flag("is_ext_shared_channel"),
            Tab = inner.Text("tab"),
        };
    }

    // Some events carry a whole user or channel object in the place of its id.
    private static string? UserOf(JsonElement inner) =>
        inner.TryGetProperty("user", out var user) && user.ValueKind == JsonValueKind.Object ? user.Id("id") : inner.Id("user");

    private static string? ChannelOf(JsonElement inner) =>
        inner.TryGetProperty("channel", out var channel) && channel.ValueKind == JsonValueKind.Object ? channel.Id("id") : inner.Id("channel");
}
