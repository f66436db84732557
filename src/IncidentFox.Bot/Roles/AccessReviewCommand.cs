using IncidentFox.Bot.Commands;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Roles;

/// <summary>Who can do what in the channel's team, and when they last used the product.</summary>
internal sealed class AccessReviewCommand(AccessReview review) : ICommand
{
    private const int MaxText = 11_000;

    public string Name => "access-review";

    public bool Admin => true;

    public string Usage => "/incidentfox-admin access-review [csv]";

    public string Summary => "Who can do what in this team, since when it comes from where, and when they last used it.";

    public IReadOnlyList<Need> Needs => [new(null, Permission.ViewAccessReview)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var csv = request.Argument.Equals("csv", StringComparison.OrdinalIgnoreCase);
        if (!csv && request.Argument.Length > 0)
            return SlackReply.Ephemeral(HelpText.Of(this));
        var lines = await review.ReadAsync(request.Team.Org, request.Team.Team, cancellationToken);
        var rows = csv
            ? AccessReview.Csv(lines).Split("\r\n", StringSplitOptions.RemoveEmptyEntries)
            : [.. lines.Select(l => $"{AccessText.Line(l)}  may {string.Join(' ', AccessReview.PermissionsOf(l.Role))}")];
        return SlackReply.Ephemeral(new SlackMessage("Access review", new RichTextBlock(new RichTextPreformatted(new TextRun(Bounded(rows))))));
    }

    // Whole rows only: half a row would be a wrong one.
    private static string Bounded(IReadOnlyList<string> rows)
    {
        var kept = new List<string>();
        var length = 0;
        foreach (var row in rows.Select(r => SlackText.Inert(r, 2_000, "")).TakeWhile(r => (length += r.Length + 1) <= MaxText))
            kept.Add(row);
        if (kept.Count < rows.Count)
            kept.Add($"… and {rows.Count - kept.Count} more: incidentfox access-review --csv on the server prints all.");
        return kept.Count == 0 ? "Nobody has a role." : string.Join('\n', kept);
    }
}
