using System.Diagnostics;
using IncidentFox.Workbench.SlackWorkspace;

namespace IncidentFox.Workbench.Stack;

/// <summary>People at work in the workspace: they type commands, wait for what they see, and click. For smoke, tests and benchmarks.</summary>
public sealed class WorkspaceSession(SlackDouble slack)
{
    /// <summary>Buttons and modals by the ids that the product gives them.</summary>
    public const string Approve = "approval.approve";

    /// <summary>See <see cref="Approve"/>.</summary>
    public const string Deny = "approval.deny";

    private const string DenyReasonBlock = "reason";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>Starts an investigation; the message in the channel that grows.</summary>
    public async Task<(DeliveryResult Ack, Message Card)> InvestigateAsync(string person, string question, CancellationToken ct)
    {
        var before = Last(DemoPeople.Incidents);
        var ack = await slack.RunCommandAsync(person, DemoPeople.Incidents, $"/incidentfox investigate {question}", ct);
        if (!ack.IsAnswered)
            throw new SmokeException($"the command was not answered: {ack.Outcome} {ack.Problem} {ack.Body}");
        var card = await WaitAsync(DemoPeople.Incidents, "the investigation's message", m => Newer(m, before) && !m.IsReply && m.VisibleOnlyTo is null
            && MessageText.Of(m).Contains(question, StringComparison.Ordinal), ct);
        return (ack, card);
    }

    /// <summary>The next approval card after another message.</summary>
    public Task<Message> WaitForApprovalAsync(string? after, CancellationToken ct) =>
        WaitAsync(DemoPeople.Approvals, "an approval card", m => Newer(m, after) && MessageText.HasButton(m, Approve), ct);

    /// <summary>Waits until a message reads as wanted.</summary>
    public Task<Message> WaitForTextAsync(Message message, string what, Func<string, bool> wanted, CancellationToken ct) =>
        WaitAsync(message.Channel, $"{what} on message {message.Ts}", m => m.Ts == message.Ts && wanted(MessageText.Of(m)), ct);

    /// <summary>Waits for a reply in a message's thread.</summary>
    public Task<Message> WaitForReplyAsync(Message parent, string what, Func<string, bool> wanted, CancellationToken ct) =>
        WaitAsync(parent.Channel, what, m => m.ThreadTs == parent.Ts && m.Ts != parent.Ts && wanted(MessageText.Of(m)), ct);

    /// <summary>Clicks, and returns what only that person is then told.</summary>
    public async Task<string> ClickAndReadAsync(string person, Message card, string action, CancellationToken ct)
    {
        var told = slack.State.Ephemerals(person).Count;
        await slack.ClickAsync(person, card.Channel, card.Ts, action, ct: ct);
        await UntilAsync("an answer that only the person sees", () => slack.State.Ephemerals(person).Count > told, ct);
        return MessageText.Of(slack.State.Ephemerals(person)[^1]);
    }

    /// <summary>Denies with a reason, by the modal.</summary>
    public async Task DenyAsync(string person, Message card, string reason, CancellationToken ct)
    {
        await slack.ClickAsync(person, card.Channel, card.Ts, Deny, ct: ct);
        await UntilAsync("the modal that asks for a reason", () => slack.State.OpenViews(person).Count > 0, ct);
        var view = slack.State.OpenViews(person)[^1];
        var result = await slack.SubmitViewAsync(person, view.Id, new Dictionary<string, string> { [DenyReasonBlock] = reason }, ct);
        if (!result.IsAnswered || result.Errors.Count > 0)
            throw new SmokeException($"the reason was not accepted: {result.Problem} {string.Join(' ', result.Errors.Values)}");
    }

    /// <summary>The latest message of a channel; null when there is none.</summary>
    public string? Last(string channel) => slack.State.Messages(channel).Select(m => m.Ts).Max(StringComparer.Ordinal);

    /// <summary>Polls until something is so.</summary>
    public static async Task UntilAsync(string what, Func<bool> holds, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        while (!holds())
        {
            if (Stopwatch.GetElapsedTime(started) > Patience)
                throw new SmokeException($"did not see {what} within {Patience.TotalSeconds} s");
            await Task.Delay(TimeSpan.FromMilliseconds(20), ct);
        }
    }

    private async Task<Message> WaitAsync(string channel, string what, Func<Message, bool> wanted, CancellationToken ct)
    {
        Message? found = null;
        try
        {
            await UntilAsync(what, () => (found = slack.State.Messages(channel).LastOrDefault(wanted)) is not null, ct);
        }
        catch (SmokeException e)
        {
            var shown = new[] { channel, DemoPeople.Incidents, DemoPeople.Approvals }.Distinct(StringComparer.Ordinal).Select(c => $"the last messages of {c}:\n{string.Join("\n---\n",
                slack.State.Messages(c).TakeLast(4).Select(m => $"[{m.Ts} by {m.Author}] {MessageText.Of(m)}"))}");
            throw new SmokeException($"{e.Message}; {string.Join("\n=====\n", shown)}");
        }
        return found!;
    }

    private static bool Newer(Message message, string? than) => than is null || string.CompareOrdinal(message.Ts, than) > 0;
}

/// <summary>Something that should have been seen was not.</summary>
public sealed class SmokeException(string message) : Exception(message);
