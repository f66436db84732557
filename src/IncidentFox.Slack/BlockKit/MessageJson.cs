using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Slack.BlockKit;

/// <summary>A message as it goes to Slack: never unfurled, nothing parsed out of its plain text.</summary>
internal static class MessageJson
{
    public static JsonObject Of(SlackMessage message)
    {
        var json = new JsonObject
        {
            // Even with mrkdwn off, <!channel> would notify: the three characters are always escaped.
            ["text"] = Mrkdwn.Escape(message.Text),
            ["mrkdwn"] = false,
            ["parse"] = "none",
            ["link_names"] = false,
            ["unfurl_links"] = false,
            ["unfurl_media"] = false,
        };

        // An update without blocks must also take the old ones away.
        json["blocks"] = JsonSerializer.SerializeToNode(message.Blocks, SlackJson.Options);
        return json;
    }
}
