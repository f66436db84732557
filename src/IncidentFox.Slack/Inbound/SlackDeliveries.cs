using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Slack.Inbound;

/// <summary>From parsed records to the handler; the part HTTP and Socket Mode share.</summary>
internal sealed partial class SlackDeliveries(SlackDispatcher dispatcher, ILogger<SlackDeliveries> log)
{
    public Task<DispatchOutcome> CommandAsync(SlashCommand command, string? replayKey) =>
        dispatcher.DispatchAsync(
            $"command:{Bounded(command.TriggerId)}",
            replayKey,
            async (handler, token) => Fitting(await handler.OnCommandAsync(command, token), null));

    public Task<DispatchOutcome> InteractionAsync(JsonElement payload, string? replayKey)
    {
        var interaction = Guarded(() => InteractionParser.Parse(payload));
        if (interaction is null)
        {
            LogUnknownInteraction();
            return Task.FromResult(new DispatchOutcome(DispatchStatus.Done));
        }

        return dispatcher.DispatchAsync(
            $"interaction:{interaction.Type}:{Bounded(interaction.DeliveryKey)}",
            replayKey,
            async (handler, token) => Fitting(await handler.OnInteractionAsync(interaction, token), interaction.Type));
    }

    public Task<DispatchOutcome> EventAsync(JsonElement payload, string? replayKey)
    {
        var slackEvent = Guarded(() => EventParser.Parse(payload));
        return dispatcher.DispatchAsync($"event:{slackEvent.TeamId}:{slackEvent.EventId}", replayKey, async (handler, token) =>
        {
            await handler.OnEventAsync(slackEvent, token);
            return SlackReply.Ok;
        });
    }

    public static SlashCommand ParseCommand(Func<string, string?> field) => Guarded(() => CommandParser.Parse(field));

    /// <summary>System.Text.Json reports names and strings that hold half a character in its own way.</summary>
    public static T Guarded<T>(Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            throw new MalformedPayloadException("text that is not valid Unicode");
        }
    }

    private SlackReply Fitting(SlackReply reply, SlackInteractionType? interaction)
    {
        if (ReplyWriter.Fits(reply.Kind, interaction))
        {
            return reply;
        }

        LogMisfit(reply.Kind, interaction);
        return SlackReply.Ok;
    }

    private static string Bounded(string key) => key.Length <= 120 ? key : throw new MalformedPayloadException("trigger_id is too long");

    [LoggerMessage(Level = LogLevel.Error, Message = "Slack does not read the reply {Reply} in answer to {Interaction}; an empty answer was sent. Use the Web API instead")]
    private partial void LogMisfit(SlackReplyKind reply, SlackInteractionType? interaction);

    [LoggerMessage(Level = LogLevel.Information, Message = "Slack sent an interaction of an unknown type; acknowledged and ignored")]
    private partial void LogUnknownInteraction();
}
