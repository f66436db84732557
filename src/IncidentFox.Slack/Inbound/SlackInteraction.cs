namespace IncidentFox.Slack;

public enum SlackInteractionType
{
    BlockActions,
    ViewSubmission,
    ViewClosed,
    MessageAction,
    Shortcut,
}

/// <summary>A click, a submitted modal or a shortcut. Every string is a stranger's.</summary>
public sealed record SlackInteraction
{
    public required SlackInteractionType Type { get; init; }

    /// <summary>The key under which this interaction is run once: Slack's trigger id, or a digest where Slack sends none.</summary>
    public required string DeliveryKey { get; init; }

    public required string UserId { get; init; }

    public string? UserName { get; init; }

    /// <summary>The workspace the person belongs to. Differs from <see cref="TeamId"/> for people from a shared channel.</summary>
    public string? UserTeamId { get; init; }

    /// <summary>The workspace the app is installed in; null for an organisation-wide installation.</summary>
    public string? TeamId { get; init; }

    public string? EnterpriseId { get; init; }

    public string? ApiAppId { get; init; }

    public string? ChannelId { get; init; }

    public string? ChannelName { get; init; }

    public string? MessageTs { get; init; }

    public string? ThreadTs { get; init; }

    /// <summary>The message a message shortcut was used on.</summary>
    public string? MessageText { get; init; }

    /// <summary>Who wrote that message: their words, so they count among the requesters.</summary>
    public string? MessageUserId { get; init; }

    public string? TriggerId { get; init; }

    public string? ResponseUrl { get; init; }

    /// <summary>Which shortcut or message action was used.</summary>
    public string? CallbackId { get; init; }

    public IReadOnlyList<SlackAction> Actions { get; init; } = [];

    public SlackSubmittedView? View { get; init; }
}

/// <summary>One element that was used.</summary>
public sealed record SlackAction
{
    public required string ActionId { get; init; }

    public required string BlockId { get; init; }

    public required string Type { get; init; }

    /// <summary>A button's or an input's value.</summary>
    public string? Value { get; init; }

    /// <summary>What was chosen in a menu: option values, or user or channel ids.</summary>
    public IReadOnlyList<string> Selected { get; init; } = [];

    public string? ActionTs { get; init; }
}

/// <summary>The view an interaction came from, with what was typed into it.</summary>
public sealed record SlackSubmittedView
{
    public required string Id { get; init; }

    public string? CallbackId { get; init; }

    public string? PrivateMetadata { get; init; }

    public string? Hash { get; init; }

    /// <summary>Block id, then action id, then the value (a menu's chosen value; null when left empty).</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string?>> Values { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, string?>>();

    public string? Value(string blockId, string actionId) =>
        Values.TryGetValue(blockId, out var actions) && actions.TryGetValue(actionId, out var value) ? value : null;
}
