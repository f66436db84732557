using System.Collections.Concurrent;

namespace IncidentFox.Slack.Tests.Support;

internal sealed class RecordingHandler : ISlackHandler, ISlackRefusals
{
    public ConcurrentQueue<SlashCommand> Commands { get; } = new();

    public ConcurrentQueue<SlackInteraction> Interactions { get; } = new();

    public ConcurrentQueue<SlackEvent> Events { get; } = new();

    public ConcurrentQueue<SlackRefusal> Refusals { get; } = new();

    public Func<SlackReply> Reply { get; set; } = () => SlackReply.Ok;

    /// <summary>What a handler does before it returns; throws, waits or nothing.</summary>
    public Func<CancellationToken, Task> Before { get; set; } = _ => Task.CompletedTask;

    public int Handled => Commands.Count + Interactions.Count + Events.Count;

    public async ValueTask<SlackReply> OnCommandAsync(SlashCommand command, CancellationToken cancellationToken)
    {
        await Before(cancellationToken);
        Commands.Enqueue(command);
        return Reply();
    }

    public async ValueTask<SlackReply> OnInteractionAsync(SlackInteraction interaction, CancellationToken cancellationToken)
    {
        await Before(cancellationToken);
        Interactions.Enqueue(interaction);
        return Reply();
    }

    public async ValueTask OnEventAsync(SlackEvent slackEvent, CancellationToken cancellationToken)
    {
        await Before(cancellationToken);
        Events.Enqueue(slackEvent);
    }

    public ValueTask RecordAsync(SlackRefusal refusal, CancellationToken cancellationToken)
    {
        Refusals.Enqueue(refusal);
        return ValueTask.CompletedTask;
    }
}
