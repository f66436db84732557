using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Slack.Inbound;

/// <summary>A reply as Slack reads it: the HTTP body, or the payload of a Socket Mode acknowledgement.</summary>
internal static class ReplyWriter
{
    /// <summary>Null is an empty answer.</summary>
    public static JsonObject? ToJson(SlackReply reply) => reply.Kind switch
    {
        SlackReplyKind.Ok => null,
        SlackReplyKind.Ephemeral => WithResponseType(reply.Message!, "ephemeral"),
        SlackReplyKind.InChannel => WithResponseType(reply.Message!, "in_channel"),
        SlackReplyKind.ViewErrors => new JsonObject
        {
            ["response_action"] = "errors",
            ["errors"] = JsonSerializer.SerializeToNode(reply.Errors, SlackJson.Options),
        },
        SlackReplyKind.CloseView => new JsonObject { ["response_action"] = "clear" },
        _ => throw new InvalidOperationException($"Unknown reply {reply.Kind}."),
    };

    /// <summary>Whether Slack reads this kind of reply in answer to this; what it does not read would be silently lost.</summary>
    public static bool Fits(SlackReplyKind reply, SlackInteractionType? interaction) => reply switch
    {
        SlackReplyKind.Ok => true,
        SlackReplyKind.Ephemeral or SlackReplyKind.InChannel => interaction is null,
        _ => interaction == SlackInteractionType.ViewSubmission,
    };

    private static JsonObject WithResponseType(SlackMessage message, string type)
    {
        var json = MessageJson.Of(message);
        json["response_type"] = type;
        return json;
    }
}
