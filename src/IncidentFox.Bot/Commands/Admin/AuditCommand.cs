using System.Globalization;
using System.Text.Json.Nodes;
using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands.Admin;

internal sealed class AuditCommand(AuditReader audit, AuditLog log, AuditProof proof) : ICommand
{
    private const int Most = 30;
    private const int Usual = 15;
    private const int MostExported = 50;
    private const int MaxExport = 9_000;

    public string Name => "audit";

    public bool Admin => true;

    public string Usage => "/incidentfox-admin audit tail [lines] | verify | export";

    public string Summary => $"The team's last audit lines, {Usual} or up to {Most}; proves that nothing in the trail was changed; the newest lines as JSON.";

    public IReadOnlyList<Need> Needs => [new("verify", Permission.ExportAudit), new("export", Permission.ExportAudit), new(null, Permission.ReadAudit)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var words = request.Argument.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.FirstOrDefault("tail").ToLowerInvariant() switch
        {
            "verify" => proof.Begin(request.ResponseUrl),
            "export" => await ExportAsync(request, cancellationToken),
            "tail" => await TailAsync(request.Team, words.ElementAtOrDefault(1), cancellationToken),
            _ => await TailAsync(request.Team, words[0], cancellationToken),
        };
    }

    private async Task<SlackReply> TailAsync(Resource team, string? lines, CancellationToken cancellationToken)
    {
        var count = Usual;
        if (lines is not null && (!int.TryParse(lines, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count is < 1 or > Most))
            return Replies.Say($"Give a number of lines from 1 to {Most}, or none. There are audit tail, audit verify and audit export.");
        var events = await audit.LastAsync(count, Of(team), cancellationToken);
        return events.Count == 0
            ? Replies.Say("The team has no audit line yet.")
            : SlackReply.Ephemeral(new SlackMessage(
                "The team's last audit lines", new RichTextBlock(new RichTextPreformatted(new TextRun(string.Join('\n', events.Select(Line)))))));
    }

    // What leaves the trail is written into it.
    private async Task<SlackReply> ExportAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var newest = new List<string>();
        var length = 0;
        foreach (var line in (await audit.LastAsync(MostExported, Of(request.Team), cancellationToken)).Reverse().Select(e => AuditJson.Format(e).ToJsonString()))
        {
            length += line.Length + 1;
            if (length > MaxExport)
                break;
            newest.Add(line);
        }
        if (newest.Count == 0)
            return Replies.Say("The team has no audit line yet that a message could hold.");
        await log.AppendAsync(new AuditEvent
        {
            EventType = AuditEventTypes.DataAccessed, OrgId = request.Team.Org.Value, TeamId = request.Team.Team.Value, UserId = request.Caller.AuditName, Status = "success",
            Details = new JsonObject { ["data_source"] = "audit trail", ["row_count"] = newest.Count },
        }, cancellationToken);
        newest.Reverse();
        var title = $"The newest {newest.Count} audit lines of the team. All of them: incidentfox audit export --team {request.Team.Team}";
        return SlackReply.Ephemeral(new SlackMessage(SlackText.Inert(title, 300), new RichTextBlock(
            new RichTextSection(new TextRun(SlackText.Inert(title, 300))), new RichTextPreformatted(new TextRun(SlackText.InertLines(string.Join('\n', newest), MaxExport + 1_000))))));
    }

    private static AuditFilter Of(Resource team) => new() { OrgId = team.Org.Value, TeamId = team.Team.Value };

    private static string Line(AuditEvent e) => SlackText.Inert(string.Join("  ",
        ((string?[])[e.At.UtcDateTime.ToString("HH:mm:ss", CultureInfo.InvariantCulture), e.EventType, e.Status, e.Tool, e.UserId]).Where(p => !string.IsNullOrEmpty(p))), 300, "…");
}

/// <summary>Recomputes the chain, which may take longer than Slack waits for an answer: the result comes after it. One at a time.</summary>
internal sealed class AuditProof(AuditVerifier verifier, AfterAnswer answers)
{
    private int _running;

    public SlackReply Begin(string? responseUrl)
    {
        if (responseUrl is null)
            return Replies.Say("Slack gave no address for the result; try again.");
        if (Interlocked.CompareExchange(ref _running, 1, 0) != 0)
            return Replies.Say("The trail is being verified already; try again in a moment.");
        answers.Enqueue(async (slack, ct) => await slack.RespondAsync(responseUrl, await RunAsync(ct), cancellationToken: ct));
        return Replies.Say("Verifying the audit trail of the whole installation; the result comes here.");
    }

    private async Task<SlackMessage> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            var result = await verifier.VerifyAsync(cancellationToken);
            return result.Holds
                ? new($"The chain holds: {result.Links} events sealed, {result.Unsealed} waiting, head {result.Head}.")
                : AdminReplies.Lines($"The chain does NOT hold: {result.Problems.Count} problems in {result.Links} events. Keep the database as it is and tell your security team.", result.Problems, "");
        }
        catch (Exception e) when (e is Npgsql.NpgsqlException or TimeoutException)
        {
            return new("The trail could not be verified: the database did not answer. Nothing is proven either way; try again.");
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }
}
