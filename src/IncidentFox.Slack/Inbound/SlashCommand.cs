namespace IncidentFox.Slack;

/// <summary>A slash command as Slack sent it. Every string is a stranger's: show it through <see cref="BlockKit.SlackText"/>.</summary>
public sealed record SlashCommand
{
    /// <summary>With its slash, such as <c>/incidentfox</c>.</summary>
    public required string Command { get; init; }

    /// <summary>What was typed after the command; empty when nothing was.</summary>
    public required string Text { get; init; }

    public required string UserId { get; init; }

    public required string UserName { get; init; }

    public required string ChannelId { get; init; }

    public required string ChannelName { get; init; }

    public required string TeamId { get; init; }

    /// <summary>Set on Enterprise Grid.</summary>
    public string? EnterpriseId { get; init; }

    /// <summary>Unique to this command: the key by which it is run once. Opens a modal for three seconds.</summary>
    public required string TriggerId { get; init; }

    /// <summary>Where late answers go: at most five within 30 minutes.</summary>
    public string? ResponseUrl { get; init; }
}
