using System.Globalization;
using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands;

internal sealed class AuditCommand(AuditReader audit) : ICommand
{
    private const int Most = 30;
    private const int Usual = 15;

    public string Name => "audit";

    public bool Admin => true;

    public string Usage => "/incidentfox-admin audit [lines]";

    public string Summary => $"The team's last audit lines, {Usual} or up to {Most}.";

    public IReadOnlyList<Need> Needs => [new(null, Permission.ReadAudit)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var count = Usual;
        if (request.Argument.Length > 0 && (!int.TryParse(request.Argument, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count is < 1 or > Most))
            return Replies.Say($"Give a number of lines from 1 to {Most}, or none.");
        var events = await audit.LastAsync(count, new AuditFilter { OrgId = request.Team.Org.Value, TeamId = request.Team.Team.Value }, cancellationToken);
        return events.Count == 0
            ? Replies.Say("The team has no audit line yet.")
            : SlackReply.Ephemeral(new SlackMessage(
                "The team's last audit lines", new RichTextBlock(new RichTextPreformatted(new TextRun(string.Join('\n', events.Select(Line)))))));
    }

    private static string Line(AuditEvent e) => SlackText.Inert(string.Join("  ",
        ((string?[])[e.At.UtcDateTime.ToString("HH:mm:ss", CultureInfo.InvariantCulture), e.EventType, e.Status, e.Tool, e.UserId]).Where(p => !string.IsNullOrEmpty(p))), 300, "…");
}
