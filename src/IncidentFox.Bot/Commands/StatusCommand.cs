using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands;

internal sealed class StatusCommand(InvestigationStore investigations, ApprovalReader approvals) : ICommand
{
    public string Name => "status";

    public bool Admin => false;

    public string Usage => "/incidentfox status [id]";

    public string Summary => "Where an investigation stands; without an id the latest one.";

    public IReadOnlyList<Need> Needs => [new(null, Permission.ReadInvestigations)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var found = request.Argument.Length == 0
            ? await investigations.CurrentAsync(request.Team, cancellationToken)
            : await investigations.FindAsync(request.Team, request.Argument, _ => null, cancellationToken);
        if (found is null)
        {
            return Replies.Say(request.Argument.Length == 0
                ? "This team has no investigation yet. Start one with /incidentfox investigate and what you see."
                : $"This team has no recent investigation \"{SlackText.Inert(request.Argument, 40)}\". /incidentfox list shows them.");
        }
        List<RichTextPart> parts = [new RichTextSection(InvestigationLines.Line(found).Elements)];
        if (found.Failure is { Length: > 0 })
            parts.Add(new RichTextSection(new TextRun(SlackText.Inert(found.Failure, 500, "…"))));
        if (AgentReport.TryParse(found.ReportJson) is { } report)
            parts.Add(new RichTextQuote(new TextRun("The agent says: " + SlackText.Inert(report.Why, 600, "nothing yet"))));
        foreach (var id in await approvals.OfInvestigationAsync(found.Id, cancellationToken))
        {
            if (await approvals.FindAsync(id, cancellationToken) is { } approval)
            {
                parts.Add(new RichTextSection(new TextRun(
                    $"Action {id.Short} ({SlackText.Inert(approval.Tool, 60)}): {approval.State.Name()}, {approval.Votes.Count} of {approval.RequiredApprovers} approvals.")));
            }
        }
        return SlackReply.Ephemeral(new SlackMessage($"Investigation {found.Id.Short}: {InvestigationLines.InWords(found.State)}", new RichTextBlock([.. parts.Take(30)])));
    }
}
