using System.Globalization;
using IncidentFox.Core.Safety;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Stopping;

/// <summary>Stops in plain words.</summary>
internal static class StopWords
{
    /// <summary>Why nothing works, and how it works again.</summary>
    public static string InForce(Stop stop)
    {
        var since = stop.OrderedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);
        var reason = SlackText.Inert(stop.Reason, StopRules.MaxReason, "no reason");
        var command = stop.Team is null ? "/incidentfox-admin unfreeze org" : "/incidentfox-admin unfreeze";
        return stop.Kind == StopKind.SafeMode
            ? $"the product is in safe mode since {since}: {reason} An org admin leaves it with {command} and a reason."
            : $"{stop.Scope} is frozen since {since} by {SlackText.Inert(stop.OrderedBy, 80, "?")}: {reason}. An admin lifts it with {command} and a reason.";
    }

    /// <summary>For the channels it concerns.</summary>
    public static SlackMessage Announcement(Stop stop)
    {
        var title = (stop.LiftedBy, stop.Kind) switch
        {
            (null, StopKind.Freeze) => $"Everything is stopped: {stop.Scope}",
            (null, _) => $"Safe mode: {stop.Scope} stands still",
            (_, StopKind.Freeze) => $"The freeze is lifted: {stop.Scope}",
            _ => $"Safe mode is over: {stop.Scope}",
        };
        var what = stop.LiftedBy is null
            ? "Sandboxes are destroyed, open actions cancelled, and nothing starts or runs. An execution that had begun already ends by itself; look at its card."
            : "Investigations can start again. What was cancelled stays cancelled.";
        var by = stop.LiftedBy ?? stop.OrderedBy;
        var reason = stop.LiftedBy is null ? stop.Reason : stop.LiftReason;
        return new SlackMessage(SlackText.Fit(title, 300),
            new RichTextBlock(
                new RichTextSection(new TextRun(title, TextStyle.InBold)),
                new RichTextSection(new TextRun(what)),
                new RichTextQuote(new TextRun($"{SlackText.Inert(by, 80, "?")}: {SlackText.Inert(reason, StopRules.MaxReason, "no reason")}"))));
    }
}
