using IncidentFox.Core.Investigations;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands;

/// <summary>Investigations in a line or two.</summary>
internal static class InvestigationLines
{
    public static RichTextSection Line(Investigation investigation) => new(
        new TextRun(investigation.Id.Short, TextStyle.AsCode),
        new TextRun("  " + InWords(investigation.State), TextStyle.InBold),
        new TextRun("  " + SlackText.Inert(investigation.Question, 120, "(empty)") + "  "),
        new TextRun($"asked by {SlackText.Inert(investigation.RequesterName, 60, "somebody")} ", TextStyle.InItalic),
        new DateRun(investigation.CreatedAt));

    public static string InWords(InvestigationState state) => state switch
    {
        InvestigationState.Queued => "queued",
        InvestigationState.Starting => "starting",
        InvestigationState.Running => "at work",
        InvestigationState.Waiting => "waiting for a decision",
        InvestigationState.Completed => "complete",
        InvestigationState.Failed => "failed",
        _ => "stopped",
    };
}
