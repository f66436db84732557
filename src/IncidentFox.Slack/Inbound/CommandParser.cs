namespace IncidentFox.Slack.Inbound;

/// <summary>The same fields arrive as a form (HTTP) and as JSON (Socket Mode).</summary>
internal static class CommandParser
{
    public static SlashCommand Parse(Func<string, string?> field)
    {
        var command = Required(field, "command");
        if (command.Length > 100 || command[0] != '/')
        {
            throw new MalformedPayloadException("command is not a slash command");
        }

        return new SlashCommand
        {
            Command = command,
            Text = field("text")?.Trim() ?? "",
            UserId = RequiredId(field, "user_id"),
            UserName = field("user_name") ?? "",
            ChannelId = RequiredId(field, "channel_id"),
            ChannelName = field("channel_name") ?? "",
            TeamId = RequiredId(field, "team_id"),
            EnterpriseId = JsonFields.CheckedId(field("enterprise_id"), "enterprise_id"),
            TriggerId = Required(field, "trigger_id"),
            ResponseUrl = field("response_url") is { Length: > 0 } url ? url : null,
        };
    }

    private static string Required(Func<string, string?> field, string name) =>
        field(name) is { Length: > 0 } value ? value : throw new MalformedPayloadException($"{name} is missing");

    private static string RequiredId(Func<string, string?> field, string name) =>
        JsonFields.CheckedId(field(name), name) ?? throw new MalformedPayloadException($"{name} is missing");
}
