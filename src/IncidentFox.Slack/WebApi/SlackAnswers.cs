namespace IncidentFox.Slack;

/// <summary>Where a message is: together the key for updating it.</summary>
public sealed record PostedMessage(string ChannelId, string Ts);

public sealed record SlackIdentity(string TeamId, string TeamName, string UserId, string? BotId, string? EnterpriseId, string Url);

public sealed record SlackUser
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public string? RealName { get; init; }

    public string? TeamId { get; init; }

    /// <summary>The IANA time zone the person set.</summary>
    public string? TimeZone { get; init; }

    public bool IsBot { get; init; }

    public bool IsDeleted { get; init; }

    /// <summary>An owner of the workspace.</summary>
    public bool IsOwner { get; init; }

    /// <summary>A single- or multi-channel guest.</summary>
    public bool IsRestricted { get; init; }

    /// <summary>From another workspace, seen through a shared channel.</summary>
    public bool IsStranger { get; init; }
}

public sealed record SlackChannel
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public bool IsPrivate { get; init; }

    public bool IsArchived { get; init; }

    /// <summary>The bot is in it.</summary>
    public bool IsMember { get; init; }

    public bool IsExternallyShared { get; init; }
}

/// <summary>A user group that is in use, with its members.</summary>
public sealed record SlackUserGroup(string Id, string Handle, IReadOnlyList<string> Members);

/// <summary>Nothing to say but that it worked.</summary>
public sealed record SlackDone
{
    public static SlackDone Instance { get; } = new();
}
