using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Slack.BlockKit;
using IncidentFox.Slack.Inbound;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Slack.SocketMode;

/// <summary>Runs what is inside an envelope, through the same run-once path as HTTP, and says how to acknowledge it.</summary>
internal sealed partial class EnvelopeHandler(SlackDeliveries deliveries, RefusalReporter refusals, ILogger<EnvelopeHandler> log)
{
    private const string Path = "socket_mode";

    /// <summary>The acknowledgement to send; null when there must be none, so that Slack delivers again.</summary>
    public async Task<string?> HandleAsync(string envelopeId, string type, JsonElement envelope)
    {
        try
        {
            var outcome = await DeliverAsync(type, envelope);
            return outcome.Status switch
            {
                DispatchStatus.Done => Acknowledge(envelopeId, Accepts(envelope) ? ReplyWriter.ToJson(outcome.Reply) : null),
                DispatchStatus.Duplicate => Acknowledge(envelopeId, null),
                DispatchStatus.StillRunning when type != "events_api" => Acknowledge(envelopeId, null),
                _ => null,
            };
        }
        catch (MalformedPayloadException malformed)
        {
            // It would come back as it is: acknowledged, so that it does not.
            LogMalformed(type, malformed.Message);
            await refusals.ReportAsync(null, Path, SlackRefusalReasons.Malformed, CancellationToken.None);
            return Acknowledge(envelopeId, null);
        }
    }

    public ValueTask RefuseAsync(string reason) => refusals.ReportAsync(null, Path, reason, CancellationToken.None);

    private async Task<DispatchOutcome> DeliverAsync(string type, JsonElement envelope)
    {
        var payload = SlackDeliveries.Guarded(() => envelope.Object("payload")) ?? throw new MalformedPayloadException("payload is missing");
        switch (type)
        {
            case "slash_commands":
                return await deliveries.CommandAsync(SlackDeliveries.ParseCommand(name => payload.Text(name)), replayKey: null);
            case "interactive":
                return await deliveries.InteractionAsync(payload, replayKey: null);
            case "events_api":
                return await deliveries.EventAsync(payload, replayKey: null);
            default:
                LogUnknown(SlackText.Inert(type, 40));
                return new DispatchOutcome(DispatchStatus.Done);
        }
    }

    private static bool Accepts(JsonElement envelope) => envelope.Flag("accepts_response_payload");

    private static string Acknowledge(string envelopeId, JsonObject? payload)
    {
        var json = new JsonObject { ["envelope_id"] = envelopeId };
        if (payload is not null)
        {
            json["payload"] = payload;
        }

        return json.ToJsonString(SlackJson.Options);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "A Socket Mode envelope of type {Type} was malformed: {What}")]
    private partial void LogMalformed(string type, string what);

    [LoggerMessage(Level = LogLevel.Information, Message = "A Socket Mode envelope of the unknown type {Type} was acknowledged and ignored")]
    private partial void LogUnknown(string type);
}
