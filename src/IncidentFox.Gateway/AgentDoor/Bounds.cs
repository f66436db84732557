using System.Diagnostics.CodeAnalysis;
using IncidentFox.Contracts;
using IncidentFox.Core;

namespace IncidentFox.Gateway.AgentDoor;

/// <summary>
/// What an agent says is kept within the bounds that Contracts states: texts are cut visibly and freed of control characters, lists that are too
/// long are refused.
/// </summary>
internal static class Bounds
{
    /// <summary>Cuts a text, with an ellipsis where it was cut.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Cut(string? text, int most)
    {
        if (text is null)
            return null;
        if (text.Any(c => char.IsControl(c) && c is not ('\n' or '\t')))
            text = string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\t') ? '\uFFFD' : c));
        if (text.Length <= most)
            return text;
        var end = most - 1;
        return text[..(char.IsHighSurrogate(text[end - 1]) ? end - 1 : end)] + "…";
    }

    /// <summary>What is wrong with a batch; null when its events can be kept.</summary>
    public static string? Problem(EventBatch batch)
    {
        if (batch.Events.Count is < 1 or > 50)
            return "A batch has 1 to 50 events.";
        if (batch.Events.Any(e => e is null))
            return "An event is null.";
        for (var i = 0; i < batch.Events.Count; i++)
        {
            if (batch.Events[i].Sequence < 1 || (i > 0 && batch.Events[i].Sequence <= batch.Events[i - 1].Sequence))
                return "Sequences start at 1 and rise.";
            if (Problem(batch.Events[i]) is { } problem)
                return $"Event {batch.Events[i].Sequence}: {problem}";
        }
        return null;
    }

    /// <summary>The event within its bounds.</summary>
    public static AgentEvent Within(AgentEvent e) => e switch
    {
        PlanEvent plan => plan with { Steps = [.. plan.Steps.Select(s => new PlannedStep(Cut(s.Id, 60), Cut(s.Title, 120)))] },
        StepEvent step => step with { Id = Cut(step.Id, 60), Title = Cut(step.Title, 120), Note = Cut(step.Note, 300) },
        ReportEvent report => report with { Report = Within(report.Report) },
        NoticeEvent notice => notice with { Text = Cut(notice.Text, 600) },
        _ => e,
    };

    private static Report Within(Report report) => report with
    {
        WhatHappened = Cut(report.WhatHappened, 1_000),
        Why = Cut(report.Why, 1_000),
        Evidence = [.. report.Evidence.Select(e => new Evidence(Cut(e.Statement, 300), Cut(e.Tool, 64), Cut(e.Excerpt, 600)))],
        NextSteps = [.. report.NextSteps.Select(s => Cut(s, 300))],
        NotSeen = [.. report.NotSeen.Select(s => Cut(s, 300))],
        Method = Cut(report.Method, 120),
        Action = report.Action is { } a ? new ProposedAction(Cut(a.Tool, 64), Cut(a.Summary, 300), Cut(a.ApprovalId, 40), Cut(a.Outcome, 300)) : null,
    };

    private static string? Problem(AgentEvent e) => e switch
    {
        PlanEvent { Steps.Count: < 1 or > 12 } => "a plan has 1 to 12 steps.",
        PlanEvent plan when plan.Steps.Any(s => s is null) => "a step is null.",
        ReportEvent { Report.Evidence.Count: > 10 } => "a report has at most 10 pieces of evidence.",
        ReportEvent { Report.NextSteps.Count: > 6 } => "a report has at most 6 next steps.",
        ReportEvent { Report.NotSeen.Count: > 10 } => "a report names at most 10 things not seen.",
        ReportEvent report when report.Report.Evidence.Any(i => i is null) || report.Report.NextSteps.Any(i => i is null) || report.Report.NotSeen.Any(i => i is null) =>
            "a list of the report holds null.",
        ParkedEvent parked when !ApprovalId.TryParse(parked.ApprovalId, out _) => "it names no approval.",
        _ => null,
    };
}
