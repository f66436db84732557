namespace IncidentFox.Slack;

/// <summary>An event of the Events API. Every string is a stranger's.</summary>
public sealed record SlackEvent
{
    /// <summary>Unique to this event, the same on every retry: the key by which it is run once.</summary>
    public required string EventId { get; init; }

    /// <summary>Such as <c>app_mention</c>, <c>message</c> or <c>app_home_opened</c>.</summary>
    public required string Type { get; init; }

    public string? Subtype { get; init; }

    public string? UserId { get; init; }

    public string? ChannelId { get; init; }

    /// <summary>Such as <c>channel</c>, <c>im</c> or <c>group</c>.</summary>
    public string? ChannelType { get; init; }

    public string? Text { get; init; }

    public string? Ts { get; init; }

    public string? ThreadTs { get; init; }

    /// <summary>The workspace the app is installed in.</summary>
    public string? TeamId { get; init; }

    public string? EnterpriseId { get; init; }

    public string? ApiAppId { get; init; }

    /// <summary>The workspace the person belongs to, where Slack says so.</summary>
    public string? UserTeamId { get; init; }

    /// <summary>Set when a bot wrote it, ours included.</summary>
    public string? BotId { get; init; }

    /// <summary>The channel is shared with another company.</summary>
    public bool IsExternallyShared { get; init; }

    /// <summary>Which tab an <c>app_home_opened</c> is about: <c>home</c> or <c>messages</c>.</summary>
    public string? Tab { get; init; }
}
