using System.Globalization;
using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Security.Storage;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Security;

/// <summary>Security alerts as a message. What the sandbox sent stands in it as dead text, and little of it.</summary>
internal static class SecurityMessage
{
    private const int MaxRequest = 120;

    public static SlackMessage Render(IReadOnlyList<SecurityAlert> alerts)
    {
        var title = alerts.Count == 1 ? "Security alert" : string.Create(CultureInfo.InvariantCulture, $"{alerts.Count} security alerts");
        List<RichTextPart> parts = [];
        foreach (var alert in alerts)
        {
            parts.Add(new RichTextSection(
                CardText.Bold(string.Create(CultureInfo.InvariantCulture, $"{alert.At:HH:mm:ss} UTC  ")), new TextRun(SecurityAlertKinds.Sentence(alert.Kind))));
            parts.Add(new RichTextQuote(CardText.Words(Facts(alert), 400)));
        }
        parts.Add(new RichTextSection(CardText.Small("Each stands in the audit trail as security_alert; the same kind from the same sandbox is told once a minute.")));
        return new SlackMessage(SlackText.Fit($"{title}: {SecurityAlertKinds.Sentence(alerts[0].Kind)}", 300), CardText.Title(title), new RichTextBlock(parts));
    }

    private static string Facts(SecurityAlert alert)
    {
        var facts = new List<string>();
        if (alert.Team is { } team)
            facts.Add($"team {team}");
        if (alert.Investigation is { } investigation)
            facts.Add($"investigation {new InvestigationId(investigation)}");
        if (alert.Sandbox is { } sandbox)
            facts.Add($"sandbox {new SandboxId(sandbox)}");
        if (alert.Request is { } request)
            facts.Add($"it sent: {SlackText.Fit(request, MaxRequest)}");
        return string.Join(", ", facts);
    }
}
