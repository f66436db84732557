using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands;

/// <summary>What can be typed, on one screen.</summary>
internal static class HelpText
{
    public static SlackMessage All(IReadOnlyList<ICommand> commands, bool admin) =>
        new("What you can type", Title(admin ? "For team admins:" : "What you can ask:"), List(commands));

    public static SlackMessage Unknown(string word, IReadOnlyList<ICommand> commands, bool admin)
    {
        var shown = SlackText.Inert(word, 40, "that");
        var nearest = Nearest.Of(word, [.. commands.Select(c => c.Name), "help"]);
        var sentence = nearest is null ? $"I don't know \"{shown}\"." : $"I don't know \"{shown}\". Did you mean \"{nearest}\"?";
        return new(sentence, Title(sentence), List(commands));
    }

    /// <summary>How one command is typed.</summary>
    public static SlackMessage Of(ICommand command) => new(command.Summary, List([command]));

    private static RichTextSection[] AdminHelp => [Line("/incidentfox-admin help", "This list.")];

    private static RichTextSection[] Help => [Line("/incidentfox-admin help", "Approvals that wait, tools, policies, roles, the audit trail."), Line("/incidentfox help", "This list.")];

    private static RichTextBlock Title(string text) => new(new RichTextSection(new TextRun(text, TextStyle.InBold)));

    private static RichTextBlock List(IReadOnlyList<ICommand> commands) => new(new RichTextList(RichTextListStyle.Bullet,
        [.. commands.Select(c => Line(c.Usage, c.Summary)), .. commands.Any(c => c.Admin) ? AdminHelp : Help]));

    private static RichTextSection Line(string usage, string summary) => new(new TextRun(usage, TextStyle.AsCode), new TextRun("  " + summary));
}
