using IncidentFox.Bot.Buttons;
using IncidentFox.Bot.Commands;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Inbound;

/// <summary>From what Slack delivers to the one class that handles it.</summary>
internal sealed class SlackHandler(CommandRouter commands, IEnumerable<IClickHandler> clicks, IEnumerable<IModalHandler> modals, IEnumerable<IEventHandler> events, Callers callers) : ISlackHandler
{
    private readonly Dictionary<string, IClickHandler> _clicks = clicks.ToDictionary(c => c.ActionId);
    private readonly Dictionary<string, IModalHandler> _modals = modals.ToDictionary(m => m.CallbackId);
    private readonly Dictionary<string, IEventHandler> _events = events.ToDictionary(e => e.EventType);

    public async ValueTask<SlackReply> OnCommandAsync(SlashCommand command, CancellationToken cancellationToken)
    {
        var caller = await callers.FindAsync(command.TeamId, command.UserId, command.ChannelId, cancellationToken);
        return await commands.RunAsync(command, caller, cancellationToken);
    }

    public async ValueTask<SlackReply> OnInteractionAsync(SlackInteraction interaction, CancellationToken cancellationToken)
    {
        switch (interaction.Type)
        {
            case SlackInteractionType.BlockActions:
                foreach (var action in interaction.Actions)
                {
                    if (_clicks.TryGetValue(action.ActionId, out var click))
                        await click.OnClickAsync(interaction, action, await CallerAsync(interaction, cancellationToken), cancellationToken);
                }
                return SlackReply.Ok;
            case SlackInteractionType.ViewSubmission when interaction.View?.CallbackId is { } id && _modals.TryGetValue(id, out var modal):
                return await modal.OnSubmitAsync(interaction, interaction.View, await CallerAsync(interaction, cancellationToken), cancellationToken);
            default:
                return SlackReply.Ok;
        }
    }

    public ValueTask OnEventAsync(SlackEvent slackEvent, CancellationToken cancellationToken) =>
        _events.TryGetValue(slackEvent.Type, out var handler) ? handler.OnEventAsync(slackEvent, cancellationToken) : ValueTask.CompletedTask;

    // The person's own workspace counts, not the one the app is installed in: in a shared channel they differ.
    private Task<Caller> CallerAsync(SlackInteraction interaction, CancellationToken cancellationToken) =>
        callers.FindAsync(interaction.UserTeamId ?? interaction.TeamId ?? "", interaction.UserId, interaction.ChannelId, cancellationToken);
}
