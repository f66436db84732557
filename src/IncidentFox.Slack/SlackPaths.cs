namespace IncidentFox.Slack;

/// <summary>The addresses to enter in the Slack app's configuration.</summary>
public static class SlackPaths
{
    public const string Commands = "/slack/commands";
    public const string Interactions = "/slack/interactions";
    public const string Events = "/slack/events";
}
