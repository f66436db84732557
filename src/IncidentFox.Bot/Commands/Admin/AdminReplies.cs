using System.Text.RegularExpressions;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Policy;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands.Admin;

/// <summary>Answers of admin commands: a sentence, and lines of equal width under it. Whatever was typed or stored comes back inert.</summary>
internal static partial class AdminReplies
{
    // Slack shows about this much before it folds a message away, and refuses 12,000.
    private const int MaxText = 10_000;
    private const int MaxLine = 400;

    /// <summary>A title and lines; what does not fit is counted.</summary>
    public static SlackMessage Lines(string title, IReadOnlyList<string> lines, string whenEmpty)
    {
        var sentence = SlackText.Inert(title, 300, "Here it is.");
        if (lines.Count == 0)
            return new(SlackText.Inert($"{title} {whenEmpty}", Limits.MessageText));
        var shown = new List<string>();
        var length = 0;
        foreach (var line in lines.SelectMany(l => l.Split('\n')))
        {
            var inert = Inert(line);
            length += inert.Length + 1;
            if (length > MaxText)
                break;
            shown.Add(inert);
        }
        var all = lines.Sum(l => l.Split('\n').Length);
        if (shown.Count < all)
            shown.Add($"… and {all - shown.Count} more lines; the command line (incidentfox) shows all of them");
        return new(sentence, new RichTextBlock(new RichTextSection(new TextRun(sentence, TextStyle.InBold)), new RichTextPreformatted(new TextRun(string.Join('\n', shown)))));
    }

    public static SlackReply Reply(string title, IReadOnlyList<string> lines, string whenEmpty = "There is nothing.") => SlackReply.Ephemeral(Lines(title, lines, whenEmpty));

    /// <summary>What became of a change, with what is different now.</summary>
    public static async Task<SlackMessage> OfAsync(PolicyDesk desk, PolicyScope scope, EditResult result, CancellationToken cancellationToken)
    {
        switch (result.Outcome)
        {
            case PolicyOutcome.Changed:
                var differences = await desk.Store.DiffAsync(scope.Org, scope.Team, result.Version - 1, result.Version, cancellationToken) ?? [];
                return Lines($"The policy of {scope} is version {result.Version} now. In force within a few seconds.", PolicyText.Diff(differences), "Nothing reads differently.");
            case PolicyOutcome.Unchanged:
                return new($"The policy of {scope} says that already (version {result.Version}). Nothing was changed.");
            case PolicyOutcome.Conflict:
                return Lines("Nothing was changed: somebody else changed this policy first. Look at it and try again.", [.. result.Errors.Select(e => e.ToString())], "");
            default:
                return Lines("Nothing was changed. This is wrong with it:", [.. result.Errors.Select(e => e.ToString())], "");
        }
    }

    // What makes a text inert also makes one space of several; here they are what keeps columns apart.
    private static string Inert(string line) =>
        SlackText.Fit(string.Concat(Gap().Split(line).Select(part => part.Length > 0 && part.All(c => c == ' ') ? part : SlackText.Inert(part, MaxLine))), MaxLine);

    [GeneratedRegex("(?<gap> {2,})", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Gap();
}
