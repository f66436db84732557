using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace IncidentFox.Slack.Inbound;

internal static class InteractionParser
{
    /// <summary>Null for a type this product has no use for (a newer Slack may send some).</summary>
    public static SlackInteraction? Parse(JsonElement payload)
    {
        if (TypeOf(payload.RequiredText("type")) is not { } type)
        {
            return null;
        }

        var user = payload.Object("user") ?? throw new MalformedPayloadException("user is missing");
        var team = payload.Object("team");
        var channel = payload.Object("channel");
        var message = payload.Object("message");
        var container = payload.Object("container");
        var triggerId = payload.Text("trigger_id");

        return new SlackInteraction
        {
            Type = type,
            DeliveryKey = triggerId is { Length: > 0 and <= 120 } ? triggerId : Digest(payload),
            UserId = user.RequiredId("id"),
            UserName = user.Text("username") ?? user.Text("name"),
            UserTeamId = user.Id("team_id"),
            TeamId = team?.Id("id"),
            EnterpriseId = payload.Object("enterprise")?.Id("id"),
            ApiAppId = payload.Id("api_app_id"),
            ChannelId = channel?.Id("id") ?? container?.Id("channel_id"),
            ChannelName = channel?.Text("name"),
            MessageTs = message?.Text("ts") ?? container?.Text("message_ts") ?? payload.Text("message_ts"),
            ThreadTs = message?.Text("thread_ts") ?? container?.Text("thread_ts"),
            MessageText = message?.Text("text"),
            MessageUserId = message?.Id("user"),
            TriggerId = triggerId,
            ResponseUrl = payload.Text("response_url"),
            CallbackId = payload.Text("callback_id"),
            Actions = [.. payload.Items("actions").Select(ParseAction)],
            View = payload.Object("view") is { } view ? ParseView(view) : null,
        };
    }

    private static SlackInteractionType? TypeOf(string type) => type switch
    {
        "block_actions" => SlackInteractionType.BlockActions,
        "view_submission" => SlackInteractionType.ViewSubmission,
        "view_closed" => SlackInteractionType.ViewClosed,
        "message_action" => SlackInteractionType.MessageAction,
        "shortcut" => SlackInteractionType.Shortcut,
        _ => null,
    };

    private static SlackAction ParseAction(JsonElement action)
    {
        if (action.ValueKind != JsonValueKind.Object)
        {
            throw new MalformedPayloadException("an action is not an object");
        }

        return new SlackAction
        {
            ActionId = action.RequiredText("action_id"),
            BlockId = action.Text("block_id") ?? "",
            Type = action.RequiredText("type"),
            Value = action.Text("value"),
            Selected = Selected(action),
            ActionTs = action.Text("action_ts"),
        };
    }

    private static SlackSubmittedView ParseView(JsonElement view)
    {
        var values = new Dictionary<string, IReadOnlyDictionary<string, string?>>(StringComparer.Ordinal);
        if (view.Object("state")?.Object("values") is { } blocks)
        {
            foreach (var block in blocks.EnumerateObject())
            {
                if (block.Value.ValueKind != JsonValueKind.Object)
                {
                    throw new MalformedPayloadException("a view's values are not objects");
                }

                values[block.Name] = block.Value.EnumerateObject().ToDictionary(a => a.Name, a => InputValue(a.Value), StringComparer.Ordinal);
            }
        }

        return new SlackSubmittedView
        {
            Id = view.RequiredId("id"),
            CallbackId = view.Text("callback_id"),
            PrivateMetadata = view.Text("private_metadata"),
            Hash = view.Text("hash"),
            Values = values,
        };
    }

    private static string? InputValue(JsonElement input)
    {
        if (input.ValueKind != JsonValueKind.Object)
        {
            throw new MalformedPayloadException("a view's value is not an object");
        }

        return input.Text("value") ?? Selected(input).FirstOrDefault();
    }

    private static List<string> Selected(JsonElement element)
    {
        List<string> selected = [];
        if (element.Object("selected_option")?.Text("value") is { } option)
        {
            selected.Add(option);
        }

        foreach (var name in (ReadOnlySpan<string>)["selected_user", "selected_channel", "selected_conversation", "selected_date", "selected_time"])
        {
            if (element.Text(name) is { } value)
            {
                selected.Add(value);
            }
        }

        foreach (var chosen in element.Items("selected_options"))
        {
            selected.Add(chosen.ValueKind == JsonValueKind.Object ? chosen.RequiredText("value") : throw new MalformedPayloadException("an option is not an object"));
        }

        foreach (var name in (ReadOnlySpan<string>)["selected_users", "selected_channels", "selected_conversations"])
        {
            foreach (var id in element.Items(name))
            {
                selected.Add(id.ValueKind == JsonValueKind.String ? JsonFields.Value(id, name) : throw new MalformedPayloadException($"{name} holds no text"));
            }
        }

        return selected;
    }

    // Without a trigger id (a closed view) the same bytes are the same delivery.
    private static string Digest(JsonElement payload) =>
        "sha256-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(payload.GetRawText())));
}
