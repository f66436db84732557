using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Cards;

/// <summary>Everything that an investigation's card and thread are drawn from, read at one time.</summary>
public sealed record InvestigationView
{
    public required Investigation Investigation { get; init; }
    public required IReadOnlyList<TimelineEvent> Timeline { get; init; }

    /// <summary>Oldest first.</summary>
    public required IReadOnlyList<Approval> Approvals { get; init; }

    /// <summary>How it was isolated; null before the first sandbox.</summary>
    public string? Driver { get; init; }
}

/// <summary>The one message of an investigation. Pure: the same view is the same message, within Slack's limits whatever the agent wrote.</summary>
public static class InvestigationCard
{
    // Rich text holds 12,000 characters in all: 700 + 12 x 260 + 8 x 580 + 6 x 260 + 6 x 180 and the literals stay below.
    private const int MaxQuestion = 700;
    private const int MaxSteps = 12;
    private const int MaxStepTitle = 110;
    private const int MaxStepNote = 140;
    private const int MaxEvidence = 8;
    private const int MaxStatement = 240;
    private const int MaxTool = 60;
    private const int MaxExcerpt = 270;
    private const int MaxNextSteps = 6;
    private const int MaxNextStep = 250;
    private const int MaxNotSeen = 6;
    private const int MaxNotSeenLine = 170;
    private const int MaxParagraph = 1_200;

    public static SlackMessage Render(InvestigationView view)
    {
        var investigation = view.Investigation;
        var report = AgentReport.TryParse(investigation.ReportJson);
        List<Block> blocks =
        [
            new HeaderBlock(Headline(view)),
            new RichTextBlock(
                new RichTextSection(CardText.Bold(SlackText.Inert(investigation.RequesterName, 60, "Somebody")), new TextRun(" asked:")),
                new RichTextQuote(CardText.Words(investigation.Question, MaxQuestion, "(an empty question)"))),
            .. Ending(investigation),
            .. Plan(view),
            .. report is null ? [] : Report(report, investigation.ReportFinal),
            .. Actions(view.Approvals),
            Footer(view, report),
        ];
        return new SlackMessage(Notification(view, report), blocks);
    }

    // The agent may wait in its sandbox for a while; to people the investigation waits for them either way.
    private static string Headline(InvestigationView view) => view.Investigation.State switch
    {
        InvestigationState.Running when view.Approvals.Any(a => a.State == ApprovalState.Pending) => "✋ Waiting for a decision",
        InvestigationState.Queued => "⏳ Investigation queued",
        InvestigationState.Starting => "⏳ Starting a sandbox",
        InvestigationState.Running => "🔎 Investigating",
        InvestigationState.Waiting => "✋ Waiting for a decision",
        InvestigationState.Completed => "✅ Investigation complete",
        InvestigationState.Failed => "❌ Investigation failed",
        _ => "⏹️ Investigation stopped",
    };

    private static string Notification(InvestigationView view, AgentReport? report)
    {
        var about = view.Investigation.ReportFinal ? report?.Why : null;
        return SlackText.Fit($"{Headline(view)}: {SlackText.Inert(about ?? view.Investigation.Question, 300, "(empty)")}", 400);
    }

    private static IEnumerable<Block> Ending(Investigation investigation)
    {
        switch (investigation.State)
        {
            case InvestigationState.Failed:
                yield return new SectionBlock(new PlainText("It could not be finished. " + SlackText.Inert(investigation.Failure, 1_000, "The reason is not known.")));
                yield return new ContextBlock(new PlainText("What to do: ask again with /incidentfox investigate; if it fails again, show this message to an admin."));
                break;
            case InvestigationState.Stopped:
                yield return new SectionBlock(new PlainText(SlackText.Inert(investigation.Failure, 500, "Stopped.") + " What it had found until then is below; nothing more will run."));
                break;
        }
    }

    private static IEnumerable<Block> Plan(InvestigationView view)
    {
        var steps = AgentPlan.Of(view.Timeline);
        if (steps.Count == 0)
            yield break;
        var over = view.Investigation.State.IsFinal();
        // The first ones tell the plan, and so the last ones give way.
        var shown = steps.Take(MaxSteps).Select(s => Step(s, over)).ToList();
        if (steps.Count > MaxSteps)
            shown.Add(new RichTextSection(CardText.Small($"and {steps.Count - MaxSteps} more")));
        yield return new RichTextBlock(new RichTextSection(CardText.Bold("What is looked at")), new RichTextList(RichTextListStyle.Bullet, shown));
    }

    private static RichTextSection Step(PlanStep step, bool over)
    {
        var mark = step.Mark switch
        {
            PlanMark.Done => "✅ ",
            PlanMark.Failed => "❌ ",
            PlanMark.InProgress => over ? "⏹️ " : "⏳ ",
            _ => "⚪ ",
        };
        var title = new TextRun(mark + SlackText.Inert(step.Title, MaxStepTitle, "(untitled)"));
        return step.Note.Length == 0 ? new(title) : new(title, CardText.Small("  " + SlackText.Inert(step.Note, MaxStepNote, "…")));
    }

    private static IEnumerable<Block> Report(AgentReport report, bool final)
    {
        yield return new DividerBlock();
        yield return new ContextBlock(new PlainText(final
            ? "The agent's report, in its words. Quotes come from the systems it looked at."
            : "The agent's report so far, in its words; it is still at work."));
        yield return CardText.Title("What happened");
        yield return Paragraph(report.WhatHappened);
        yield return CardText.Title(report.Confidence.Length == 0 ? "Why" : $"Why (confidence: {report.Confidence})");
        yield return Paragraph(report.Why);
        if (report.Evidence.Count > 0)
        {
            yield return CardText.Title("Evidence");
            yield return new RichTextBlock([.. report.Evidence.Take(MaxEvidence).SelectMany(Evidence)]);
        }
        if (report.NotSeen.Count > 0)
            yield return Section("What I could not see", report.NotSeen, MaxNotSeen, MaxNotSeenLine);
        if (report.NextSteps.Count > 0)
            yield return Section("What to do next", report.NextSteps, MaxNextSteps, MaxNextStep);
    }

    // Plain text: shown as it is.
    private static SectionBlock Paragraph(string text) => new(new PlainText(SlackText.Inert(text, MaxParagraph, "(nothing)")));

    private static RichTextBlock Section(string title, IReadOnlyList<string> lines, int count, int max) =>
        new(new RichTextSection(CardText.Bold(title)), CardText.Bullets(lines, count, max));

    private static IEnumerable<RichTextPart> Evidence(AgentEvidence evidence)
    {
        yield return new RichTextList(RichTextListStyle.Bullet,
            [new RichTextSection(CardText.Words(evidence.Statement, MaxStatement), CardText.Small("  " + SlackText.Inert(evidence.Tool, MaxTool, "no tool named")))]);
        if (evidence.Excerpt.Length > 0)
            yield return CardText.Quote(evidence.Excerpt, MaxExcerpt);
    }

    private static IEnumerable<Block> Actions(IReadOnlyList<Approval> approvals)
    {
        if (approvals.Count == 0)
            yield break;
        yield return new DividerBlock();
        // The latest ones; the thread tells of all.
        foreach (var approval in approvals.TakeLast(4))
        {
            yield return new SectionBlock(new PlainText(
                $"{ApprovalWords.Mark(approval.State)} {SlackText.Inert(approval.Effect.Title, 300, approval.Tool)}: {ApprovalWords.Short(approval)}"));
        }
    }

    private static ContextBlock Footer(InvestigationView view, AgentReport? report)
    {
        var investigation = view.Investigation;
        List<string> parts = [$"Investigation {investigation.Id.Short}"];
        if (view.Driver is { } driver)
            parts.Add($"sandbox: {SlackText.Inert(driver, 30, "unknown")}");
        if (investigation.EndedAt is { } ended)
            parts.Add(CardText.Took(ended - investigation.CreatedAt));
        if (report is { Method.Length: > 0 })
            parts.Add(SlackText.Inert(report.Method, 120, "…"));
        return new ContextBlock(new PlainText(string.Join("  ·  ", parts)));
    }
}
