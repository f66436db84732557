using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace.Deliveries;

namespace IncidentFox.Workbench.SlackWorkspace.Acts;

/// <summary>Commands and interactions in the shape that Slack sends them.</summary>
internal sealed class Payloads(Triggers triggers, ResponseUrls urls, Func<Uri> workspaceUrl)
{
    public Delivery Command(Person person, DemoChannel channel, string command, string text)
    {
        var payload = new JsonObject
        {
            ["token"] = "workbench",
            ["team_id"] = person.TeamId,
            ["team_domain"] = person.IsStranger ? "northwind" : DemoPeople.TeamDomain,
            ["channel_id"] = channel.Id,
            ["channel_name"] = channel.Name,
            ["user_id"] = person.Id,
            ["user_name"] = person.Handle,
            ["command"] = command,
            ["text"] = text,
            ["api_app_id"] = DemoPeople.AppId,
            ["is_enterprise_install"] = "false",
            ["response_url"] = Url(urls.Issue("commands", person.Id, channel.Id)),
            ["trigger_id"] = triggers.Issue(person.Id),
        };
        return new Delivery(DeliveryKind.Command, $"{command} {text}".Trim(), NewId(), payload);
    }

    public Delivery BlockActions(Person person, DemoChannel channel, Message message, JsonObject action, JsonObject values)
    {
        var payload = Interaction("block_actions", person);
        payload["container"] = new JsonObject
        {
            ["type"] = "message",
            ["message_ts"] = message.Ts,
            ["channel_id"] = channel.Id,
            ["is_ephemeral"] = message.VisibleOnlyTo is not null,
        };
        if (message.ThreadTs is not null) payload["container"]!["thread_ts"] = message.ThreadTs;
        payload["channel"] = new JsonObject { ["id"] = channel.Id, ["name"] = channel.Name };

        // Slack leaves the content of an ephemeral message out.
        if (message.VisibleOnlyTo is null) payload["message"] = message.ToSlack();
        payload["state"] = new JsonObject { ["values"] = values };
        payload["response_url"] = Url(urls.Issue("actions", person.Id, channel.Id, message.Ts, message.ThreadTs));
        payload["actions"] = new JsonArray(action);
        return new Delivery(DeliveryKind.Interaction, "block_actions", NewId(), payload);
    }

    public Delivery BlockActions(Person person, View view, JsonObject action, JsonObject values)
    {
        var payload = Interaction("block_actions", person);
        payload["container"] = new JsonObject { ["type"] = "view", ["view_id"] = view.Id };
        payload["view"] = view.ToSlack(values);
        payload["actions"] = new JsonArray(action);
        return new Delivery(DeliveryKind.Interaction, "block_actions", NewId(), payload);
    }

    public Delivery Submission(Person person, View view, JsonObject values)
    {
        var payload = Interaction("view_submission", person);
        payload["view"] = view.ToSlack(values);
        payload["response_urls"] = new JsonArray();
        return new Delivery(DeliveryKind.Interaction, "view_submission", NewId(), payload);
    }

    public Delivery Closed(Person person, View view, bool all)
    {
        var payload = Interaction("view_closed", person);
        payload.Remove("trigger_id");
        payload["view"] = view.ToSlack();
        payload["is_cleared"] = all;
        return new Delivery(DeliveryKind.Interaction, "view_closed", NewId(), payload);
    }

    public Delivery Shortcut(Person person, DemoChannel channel, Message message, string callbackId)
    {
        var payload = Interaction("message_action", person);
        payload["callback_id"] = callbackId;
        payload["action_ts"] = message.Ts;
        payload["message_ts"] = message.Ts;
        payload["channel"] = new JsonObject { ["id"] = channel.Id, ["name"] = channel.Name };
        payload["message"] = message.ToSlack();
        payload["response_url"] = Url(urls.Issue("actions", person.Id, channel.Id));
        return new Delivery(DeliveryKind.Interaction, "message_action", NewId(), payload);
    }

    private JsonObject Interaction(string type, Person person) => new()
    {
        ["type"] = type,
        ["user"] = new JsonObject { ["id"] = person.Id, ["username"] = person.Handle, ["name"] = person.Handle, ["team_id"] = person.TeamId },
        ["api_app_id"] = DemoPeople.AppId,
        ["token"] = "workbench",
        ["trigger_id"] = triggers.Issue(person.Id),
        ["team"] = new JsonObject { ["id"] = DemoPeople.TeamId, ["domain"] = DemoPeople.TeamDomain },
        ["enterprise"] = null,
        ["is_enterprise_install"] = false,
    };

    private string Url(string path) => new Uri(workspaceUrl(), path).ToString();

    private static string NewId() => Guid.NewGuid().ToString("N");
}
