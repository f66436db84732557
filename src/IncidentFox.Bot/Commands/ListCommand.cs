using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands;

internal sealed class ListCommand(InvestigationStore investigations) : ICommand
{
    private const int Shown = 10;

    public string Name => "list";

    public bool Admin => false;

    public string Usage => "/incidentfox list";

    public string Summary => "This team's last ten investigations.";

    public IReadOnlyList<Need> Needs => [new(null, Permission.ReadInvestigations)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var latest = await investigations.LatestAsync(request.Team, Shown, cancellationToken);
        return latest.Count == 0
            ? Replies.Say("This team has no investigation yet. Start one with /incidentfox investigate and what you see.")
            : SlackReply.Ephemeral(new SlackMessage(
                "The team's last investigations", new RichTextBlock(new RichTextList(RichTextListStyle.Bullet, [.. latest.Select(InvestigationLines.Line)]))));
    }
}
