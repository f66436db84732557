using System.Security.Cryptography;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace.Deliveries;

namespace IncidentFox.Workbench.SlackWorkspace.Acts;

/// <summary>Turns what happens in the workspace into Events API deliveries: the bot's own posts too, as Slack does.</summary>
internal sealed class EventMaker(SlackDoubleOptions options, SlackWorkspaceState state, Courier courier)
{
    /// <summary>A new message (<c>message</c>) or a changed one (<c>message_changed</c>), in a channel where the bot is.</summary>
    public void Told(string kind, Message message, Message? before)
    {
        if (!state.BotIsIn(message.Channel)) return;
        var body = message.ToSlack();
        var channelEvent = kind == "message_changed"
            ? new JsonObject
            {
                ["type"] = "message",
                ["subtype"] = "message_changed",
                ["hidden"] = true,
                ["message"] = body,
                ["previous_message"] = before?.ToSlack(),
                ["channel"] = message.Channel,
                ["ts"] = state.NextTs(),
                ["event_ts"] = state.NextTs(),
                ["channel_type"] = "channel",
            }
            : InChannel(body, message);
        Publish("message.channels", kind, message.Channel, channelEvent);
    }

    public void Mentioned(Message message)
    {
        if (!state.BotIsIn(message.Channel)) return;
        var mention = InChannel(message.ToSlack(), message);
        mention["type"] = "app_mention";
        mention.Remove("channel_type");
        Publish("app_mention", "app_mention", message.Channel, mention);
    }

    public void HomeOpened(string person)
    {
        var opened = new JsonObject { ["type"] = "app_home_opened", ["user"] = person, ["channel"] = $"D{person[1..]}", ["tab"] = "home", ["event_ts"] = state.NextTs() };
        if (state.Home(person) is { } home) opened["view"] = home.ToSlack();
        Publish("app_home_opened", "app_home_opened", null, opened);
    }

    /// <summary>The message as an event; one from a person of another workspace says so.</summary>
    private static JsonObject InChannel(JsonObject body, Message message)
    {
        body["channel"] = message.Channel;
        body["channel_type"] = "channel";
        body["event_ts"] = message.Ts;
        if (body["team"]?.ToString() is { } team && team != DemoPeople.TeamId)
        {
            body["user_team"] = team;
            body["source_team"] = team;
        }

        return body;
    }

    private void Publish(string subscription, string what, string? channel, JsonObject happened)
    {
        if (!options.Events.Contains(subscription)) return;
        var id = $"Ev{RandomNumberGenerator.GetString("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 9)}";
        var shared = DemoPeople.Channels.FirstOrDefault(c => c.Id == channel)?.IsExternallyShared ?? false;
        courier.Publish(new Delivery(DeliveryKind.Event, what, id, new JsonObject
        {
            ["token"] = "workbench",
            ["team_id"] = DemoPeople.TeamId,
            ["context_team_id"] = DemoPeople.TeamId,
            ["context_enterprise_id"] = null,
            ["api_app_id"] = DemoPeople.AppId,
            ["event"] = happened,
            ["type"] = "event_callback",
            ["event_id"] = id,
            ["event_time"] = options.TimeProvider.GetUtcNow().ToUnixTimeSeconds(),
            ["authorizations"] = new JsonArray(new JsonObject
            {
                ["enterprise_id"] = null,
                ["team_id"] = DemoPeople.TeamId,
                ["user_id"] = DemoPeople.BotUserId,
                ["is_bot"] = true,
                ["is_enterprise_install"] = false,
            }),
            ["is_ext_shared_channel"] = shared,
            ["event_context"] = $"4-{id}",
        }));
    }
}
