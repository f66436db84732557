using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Cards;

/// <summary>One reply in the thread.</summary>
/// <param name="Key">Posted once per investigation and key.</param>
/// <param name="At">When it happened: replies come in this order.</param>
/// <param name="Text">What is said.</param>
/// <param name="AgentWords">The agent's own words, shown as such; null without any.</param>
/// <param name="Card">The approval whose card is linked to; null without a link.</param>
public sealed record News(string Key, DateTimeOffset At, string Text, string? AgentWords = null, ApprovalId? Card = null);

/// <summary>What a thread should have said, given how things stand. Pure; comparing it with what was said gives what is still to say.</summary>
public static class ThreadNews
{
    private const int MaxNotices = 20;
    private const int MaxTitle = 200;

    public static IReadOnlyList<News> Of(InvestigationView view) =>
        [.. view.Approvals.SelectMany(Approval).Concat(Notices(view.Timeline)).Concat(Ending(view)).OrderBy(n => n.At)];

    private static IEnumerable<News> Approval(Approval approval)
    {
        var key = $"approval:{approval.Id.Value:N}";
        var title = SlackText.Inert(approval.Effect.Title, MaxTitle, approval.Tool);
        yield return new News($"{key}:requested", approval.CreatedAt, $"A decision is needed: {title}.", Card: approval.Id);
        if (approval is { State: ApprovalState.Approved or ApprovalState.Executing or ApprovalState.Executed or ApprovalState.Failed or ApprovalState.Unknown, DecidedAt: { } decided })
            yield return new News($"{key}:approved", decided, $"Approved by {ApprovalWords.Voters(approval)}: {title}.");
        if (approval.State.IsFinal())
            yield return new News($"{key}:{approval.State.Name()}", approval.EndedAt ?? approval.DecidedAt ?? approval.CreatedAt, $"{ApprovalWords.Mark(approval.State)} {title}: {ApprovalWords.Outcome(approval)}");
    }

    private static IEnumerable<News> Notices(IEnumerable<TimelineEvent> timeline) =>
        timeline.Where(e => e.Kind == "notice").Take(MaxNotices)
            .Select(e => (Event: e, Text: AgentJson.TryParse(e.BodyJson)?.Text("text") ?? ""))
            .Where(n => n.Text.Length > 0)
            .Select(n => new News($"notice:{n.Event.Position}", n.Event.ReceivedAt, "The agent says:", n.Text));

    // Whoever waited for a decision is told of the end; otherwise the card has said it already.
    private static IEnumerable<News> Ending(InvestigationView view)
    {
        var investigation = view.Investigation;
        if (view.Approvals.Count == 0 || investigation.EndedAt is not { } ended)
            yield break;
        switch (investigation.State)
        {
            case InvestigationState.Completed:
                yield return new News("ended", ended, "The investigation is complete; the report is above. The agent's conclusion:", AgentReport.TryParse(investigation.ReportJson)?.Why ?? "(none)");
                break;
            case InvestigationState.Failed:
                yield return new News("ended", ended, $"The investigation failed. {SlackText.Inert(investigation.Failure, 500)}".TrimEnd());
                break;
            case InvestigationState.Stopped:
                yield return new News("ended", ended, SlackText.Inert(investigation.Failure, 200, "The investigation was stopped."));
                break;
        }
    }
}
