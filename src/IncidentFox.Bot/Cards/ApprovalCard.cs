using IncidentFox.Bot.Buttons;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Cards;

/// <summary>
/// What approvers see. Everything under "Exactly what will run" was made by the gateway from the frozen request; the agent's words are set apart and
/// labelled. Pure, and within Slack's limits whatever the target is called.
/// </summary>
public static class ApprovalCard
{
    // Rich text holds 12,000 characters in all.
    private const int MaxRequest = 1_200;
    private const int MaxFacts = 12;
    private const int MaxLabel = 50;
    private const int MaxFact = 220;
    private const int MaxChanges = 8;
    private const int MaxChange = 160;
    private const int MaxDryRun = 500;
    private const int MaxReason = 600;
    private const int MaxTerms = 1_000;
    private const int MaxComments = 4;
    private const int MaxComment = 250;

    /// <param name="approval">As it stands.</param>
    /// <param name="note">Why it is in this channel when it should be in another; null when it is where it belongs.</param>
    public static SlackMessage Render(Approval approval, string? note)
    {
        var effect = approval.Effect;
        var title = SlackText.Inert(effect.Title, Limits.HeaderText - 4, approval.Tool);
        List<Block> blocks =
        [
            new HeaderBlock($"{ApprovalWords.Mark(approval.State)} {title}"),
            .. note is null ? (IEnumerable<Block>)[] : [new ContextBlock(new PlainText(SlackText.Inert(note, 500, "…")))],
            .. approval.State == ApprovalState.Pending ? (IEnumerable<Block>)[] : [new SectionBlock(new PlainText(SlackText.Fit(ApprovalWords.Outcome(approval), Limits.SectionText)))],
            .. approval.BreakGlass is { } broken ? (IEnumerable<Block>)[BrokenGlass(broken, approval.State.IsFinal())] : [],
            ExactlyWhatRuns(approval),
            .. effect.AgentReason is { Length: > 0 } reason ? (IEnumerable<Block>)[AgentSays(reason)] : [],
            Terms(approval),
            .. approval.State is ApprovalState.Pending ? (IEnumerable<Block>)[Buttons(approval, title)]
                : approval.State is ApprovalState.Approved ? [DenyOnly(approval)]
                : approval.BreakGlass is { ReviewIsOpen: true } ? [Review(approval)] : [],
            new ContextBlock(new PlainText(
                $"Action {approval.Id.Short}  ·  investigation {approval.Investigation.Short}  ·  digest {Convert.ToHexStringLower(approval.Digest.AsSpan(0, 6))}")),
        ];
        return new SlackMessage(SlackText.Fit($"{(approval.State == ApprovalState.Pending ? "Decision needed" : ApprovalWords.Short(approval))}: {title}", 400), blocks);
    }

    private static RichTextBlock ExactlyWhatRuns(Approval approval)
    {
        var effect = approval.Effect;
        List<RichTextPart> parts =
        [
            new RichTextSection(CardText.Bold(approval.State.IsFinal() ? "Exactly what was asked for" : "Exactly what will run")),
            CardText.Quote(effect.Request, MaxRequest),
        ];
        if (effect.Facts.Count > 0)
        {
            parts.Add(new RichTextList(RichTextListStyle.Bullet, [.. effect.Facts.Take(MaxFacts).Select(f =>
                new RichTextSection(CardText.Bold(SlackText.Inert(f.Label, MaxLabel, "?") + ": "), CardText.Words(f.Value, MaxFact)))]));
        }
        if (effect.Changes.Count > 0)
        {
            parts.Add(new RichTextSection(CardText.Bold("What changes")));
            parts.Add(new RichTextList(RichTextListStyle.Bullet, [.. effect.Changes.Take(MaxChanges).Select(c => new RichTextSection(
                CardText.Words(c.What, MaxChange), new TextRun(": "), new TextRun(SlackText.Inert(c.Before, MaxChange, "(nothing)"), TextStyle.AsCode),
                new TextRun(" → "), new TextRun(SlackText.Inert(c.After, MaxChange, "(nothing)"), TextStyle.AsCode)))]));
        }
        var hidden = Math.Max(0, effect.Facts.Count - MaxFacts) + Math.Max(0, effect.Changes.Count - MaxChanges);
        if (hidden > 0)
            parts.Add(new RichTextSection(CardText.Bold($"{hidden} more line(s) don't fit here: see the audit trail before you decide.")));
        if (IsCut(effect))
            parts.Add(new RichTextSection(CardText.Bold("Something above is longer than fits here and ends with …: see the audit trail before you decide.")));
        parts.Add(new RichTextSection(CardText.Bold("Dry run: "), CardText.Words(effect.DryRun, MaxDryRun, "none")));
        return new RichTextBlock(parts);
    }

    // What is not shown whole must not look whole.
    private static bool IsCut(EffectPreview effect) =>
        effect.Request.Length > MaxRequest || effect.Title.Length > Limits.HeaderText - 4 || effect.DryRun.Length > MaxDryRun
        || effect.Facts.Any(f => f.Label.Length > MaxLabel || f.Value.Length > MaxFact)
        || effect.Changes.Any(c => c.What.Length > MaxChange || c.Before.Length > MaxChange || c.After.Length > MaxChange);

    private static RichTextBlock AgentSays(string reason) => new(
        new RichTextSection(CardText.Bold("The agent says (unverified)")),
        new RichTextQuote(CardText.Words(reason, MaxReason)));

    private static ContextBlock Terms(Approval approval)
    {
        var asked = CardText.Names(approval.Requesters);
        var votes = approval.Votes.Count == 0 ? (approval.State.IsFinal() ? "none" : "none yet") : $"{approval.Votes.Count} of {approval.RequiredApprovers} ({CardText.Names([.. approval.Votes.Select(v => v.Name)])})";
        List<TextObject> elements =
        [
            new PlainText(approval.Workflow.AllowSelfApproval ? $"Asked by {asked}." : $"Asked by {asked}, who may not approve it."),
            new PlainText(SlackText.Fit(Needs(approval), MaxTerms)),
            new PlainText($"Approvals: {votes}."),
        ];
        elements.AddRange(approval.Votes.Where(v => v.Reason is not null).Take(MaxComments)
            .Select(v => new PlainText($"{SlackText.Inert(v.Name, 60, "Somebody")} says: {SlackText.Inert(v.Reason, MaxComment, "…")}")));
        if (approval.State == ApprovalState.Pending && NextStep(approval) is { } step)
            elements.Add(Mrkdwn.Format($"From {Mrkdwn.Date(approval.Terms.DueAt(step))} on these may approve, too: {Mrkdwn.Text(ApprovalWords.Approvers(step.Approvers), 300)}."));
        if (approval.State == ApprovalState.Pending)
            elements.Add(Mrkdwn.Format($"Without a decision by {Mrkdwn.Date(approval.ExpiresAt)} nothing runs."));
        else if ((approval.EndedAt ?? approval.DecidedAt) is { } at)
            elements.Add(Mrkdwn.Format($"{(approval.EndedAt is null ? "Decided" : "Ended")} {Mrkdwn.Date(at)}."));
        return new ContextBlock(elements);
    }

    private static string Needs(Approval approval)
    {
        var (count, role, workflow) = (approval.RequiredApprovers, approval.ApproverRole.Name(), approval.Workflow);
        var verb = approval.State.IsFinal() ? "Needed" : "Needs";
        var added = approval.Terms.AddedBy(approval.AsOf).ToList();
        if (workflow.Approvers.Count > 0)
            return $"{verb} {count} of those whom policy names: {ApprovalWords.Approvers(workflow.Approvers.Concat(added))}.";
        var needs = $"{verb} {count} {role}{(count == 1 ? "" : "s")} of team {approval.Resource.Team}";
        return added.Count == 0 ? $"{needs}." : $"{needs}, or by now also: {ApprovalWords.Approvers(added)}.";
    }

    private static EscalationStep? NextStep(Approval approval) => approval.Workflow.Escalation
        .Where(s => s.Approvers.Count > 0 && approval.Terms.DueAt(s) > approval.AsOf && approval.Terms.DueAt(s) < approval.ExpiresAt)
        .MinBy(s => s.AfterMinutes);

    private static RichTextBlock BrokenGlass(BreakGlass broken, bool isOver)
    {
        List<RichTextPart> parts =
        [
            new RichTextSection(CardText.Bold($"Broken glass: {SlackText.Inert(broken.Name, 60, "somebody")} {(isOver ? "acted" : "acts")} alone. Their reason:")),
            new RichTextQuote(CardText.Words(broken.Reason, MaxReason)),
        ];
        if (broken.ReviewIsOpen)
            parts.Add(new RichTextSection(CardText.Bold("Review is open: another admin has to look at it and close it.")));
        else
            parts.AddRange([new RichTextSection(new TextRun($"Reviewed by {SlackText.Inert(broken.ClosedBy, 60, "somebody")}:")), new RichTextQuote(CardText.Words(broken.Note, MaxReason))]);
        return new RichTextBlock(parts);
    }

    private static ActionsBlock Review(Approval approval) =>
        new([new ButtonElement(ReviewButton.Id, "Close review", CardValue.Of(approval).ToString())]);

    private static ActionsBlock Buttons(Approval approval, string title)
    {
        var value = CardValue.Of(approval).ToString();
        return new ActionsBlock(
        [
            new ButtonElement(ApproveButton.Id, "Approve", value, ButtonStyle.Primary,
                new ConfirmDialog("Approve this action?", SlackText.Fit($"{title}. Exactly the request on this card will run, once.", Limits.ConfirmText), "Approve", "Go back", ButtonStyle.Danger)),
            new ButtonElement(DenyButton.Id, "Deny", value, ButtonStyle.Danger),
            new ButtonElement(MoreButton.Id, "More…", value),
        ]);
    }

    private static ActionsBlock DenyOnly(Approval approval)
    {
        var value = CardValue.Of(approval).ToString();
        return new([new ButtonElement(DenyButton.Id, "Deny", value, ButtonStyle.Danger), new ButtonElement(MoreButton.Id, "More…", value)]);
    }
}
