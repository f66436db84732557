using System.Runtime.InteropServices;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Policy;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Cards;

/// <summary>Something that a channel is told besides the card.</summary>
internal enum NoticeKind
{
    /// <summary>People were asked a while ago and nobody decided.</summary>
    Reminder,

    /// <summary>A step of escalation is due: more people may approve.</summary>
    Escalation,

    /// <summary>An admin acts alone.</summary>
    BreakGlass,

    /// <summary>Another admin looked at it.</summary>
    ReviewClosed,
}

/// <summary>Which one; told once per approval.</summary>
/// <param name="Kind">What.</param>
/// <param name="Number">The step from 0, or the reminder from 1.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct NoticeKey(NoticeKind Kind, int Number)
{
    public const string Reminder = "reminder";
    public const string Escalation = "escalation";
    public const string BreakGlass = "break_glass";
    public const string ReviewClosed = "review_closed";

    /// <summary>Parses what the database holds.</summary>
    public static NoticeKey? TryParse(string key)
    {
        var parts = key.Split(':');
        return parts switch
        {
            [BreakGlass] => new(NoticeKind.BreakGlass, 0),
            [ReviewClosed] => new(NoticeKind.ReviewClosed, 0),
            [Reminder, var n] when int.TryParse(n, out var number) => new(NoticeKind.Reminder, number),
            [Escalation, var n] when int.TryParse(n, out var number) => new(NoticeKind.Escalation, number),
            _ => null,
        };
    }
}

/// <summary>Notices as messages: short, with a link to the card, where everything stands.</summary>
internal static class ApprovalNotice
{
    private const int MaxTitle = 200;
    private const int MaxReason = 500;
    private const int MaxMentions = 20;

    /// <summary>The step that a notice is about; null for the other kinds, and when the terms have no such step.</summary>
    public static EscalationStep? StepOf(Approval approval, NoticeKey key) =>
        key.Kind == NoticeKind.Escalation && key.Number >= 0 && key.Number < approval.Workflow.Escalation.Count ? approval.Workflow.Escalation[key.Number] : null;

    /// <summary>Whom it is for, as policy names them.</summary>
    public static IReadOnlyList<Approver> For(Approval approval, NoticeKey key) => key.Kind switch
    {
        NoticeKind.Escalation => StepOf(approval, key)?.Approvers ?? [],
        NoticeKind.Reminder => [.. approval.Workflow.Approvers, .. approval.Terms.AddedBy(approval.AsOf)],
        _ => [],
    };

    /// <summary>False when there is nothing left to tell: it was decided meanwhile.</summary>
    public static bool StillMatters(Approval approval, NoticeKey key) => key.Kind switch
    {
        NoticeKind.Reminder => approval.State == ApprovalState.Pending && approval.AsOf < approval.ExpiresAt,
        NoticeKind.Escalation => approval.State == ApprovalState.Pending && approval.AsOf < approval.ExpiresAt && StepOf(approval, key) is not null,
        _ => approval.BreakGlass is not null,
    };

    public static SlackMessage Render(Approval approval, NoticeKey key, IReadOnlyList<string> mentions, CardPlace? card)
    {
        var title = SlackText.Inert(approval.Effect.Title, MaxTitle, approval.Tool);
        List<RichTextElement> line = key.Kind == NoticeKind.BreakGlass ? [new BroadcastRun(), new TextRun(" ")] : [];
        foreach (var mention in mentions.Take(MaxMentions))
            line.AddRange([new UserRun(mention), new TextRun(" ")]);
        var sentence = Sentence(approval, key, title);
        line.Add(new TextRun(sentence));
        if (approval.State == ApprovalState.Pending && key.Kind is NoticeKind.Reminder or NoticeKind.Escalation)
            line.AddRange([new TextRun(" Without a decision by "), new DateRun(approval.ExpiresAt), new TextRun(" nothing runs.")]);
        if (card is not null)
        {
            line.AddRange([new TextRun(" The card is in "), new ChannelRun(card.ChannelId)]);
            line.Add(card.Link is { } link ? new LinkRun(link, " (open it)") : new TextRun("."));
        }
        List<RichTextPart> parts = [new RichTextSection(line)];
        if (Words(approval, key) is { } words)
            parts.Add(new RichTextQuote(CardText.Words(words, MaxReason)));
        return new SlackMessage(SlackText.Fit(sentence, 300), new RichTextBlock(parts));
    }

    private static string Sentence(Approval approval, NoticeKey key, string title) => key.Kind switch
    {
        NoticeKind.Reminder => $"Still waiting for {ApprovalWords.Needs(approval)}: {title}.",
        NoticeKind.Escalation when StepOf(approval, key) is { Approvers.Count: > 0 } step =>
            $"Nobody decided for {CardText.Took(approval.Terms.DueAt(step) - approval.CreatedAt)}, so more people may approve now ({ApprovalWords.Approvers(step.Approvers)}): {title}. It still needs {ApprovalWords.Needs(approval)}.",
        NoticeKind.Escalation => $"Nobody decided yet: {title}. It still needs {ApprovalWords.Needs(approval)}.",
        NoticeKind.BreakGlass =>
            $"Broken glass: {SlackText.Inert(approval.BreakGlass!.Name, 60, "somebody")} acts alone, without the {approval.RequiredApprovers} approval(s) that policy asks for: {title}. Anyone who may deny it can still do so until it runs. Another admin has to review it. Their reason:",
        _ => $"Reviewed by {SlackText.Inert(approval.BreakGlass!.ClosedBy, 60, "somebody")}: what {SlackText.Inert(approval.BreakGlass.Name, 60, "somebody")} did alone ({title}). They say:",
    };

    private static string? Words(Approval approval, NoticeKey key) => key.Kind switch
    {
        NoticeKind.BreakGlass => approval.BreakGlass!.Reason,
        NoticeKind.ReviewClosed => approval.BreakGlass!.Note,
        _ => null,
    };
}
