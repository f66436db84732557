namespace IncidentFox.Workbench.SlackWorkspace;

/// <summary>How a Slack workspace double is started. Every value has a default that suits one machine.</summary>
public sealed record SlackDoubleOptions
{
    /// <summary>Where the double listens: loopback by default; port 0 takes a free one.</summary>
    public string Url { get; init; } = "http://127.0.0.1:5080";

    public string BotToken { get; init; } = "xoxb-0000000000-0000000000-workbench";
    public string AppToken { get; init; } = "xapp-1-A0FOX00001-0000000000-workbench";
    public string SigningSecret { get; init; } = "workbench-signing-secret";

    /// <summary>The app under test; deliveries go to <c>slack/commands</c>, <c>slack/interactions</c> and <c>slack/events</c> below it.</summary>
    public Uri? AppBaseUrl { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
    public SlackLimits Limits { get; init; } = new();

    /// <summary>The commands that the app's manifest registers; the workspace refuses others itself.</summary>
    public IReadOnlyList<SlashCommand> Commands { get; init; } =
    [
        new("/incidentfox", "Investigate an incident", "investigate|status|list|stop|help"),
        new("/incidentfox-admin", "Look after IncidentFox", "audit|help"),
    ];

    /// <summary>The message shortcuts that the app's manifest registers, by callback id.</summary>
    public IReadOnlyList<MessageShortcut> Shortcuts { get; init; } = [];

    /// <summary>The bot events that the app's manifest subscribes to; nothing else is delivered. Known here: app_mention, app_home_opened, message.channels.</summary>
    public IReadOnlyList<string> Events { get; init; } = ["app_home_opened"];

    /// <summary>Shown on the page under "The estate": where the demo's Prometheus, shop and the like can be seen.</summary>
    public IReadOnlyList<EstateLink> Links { get; init; } = [];
}

public sealed record SlashCommand(string Name, string Description, string UsageHint);

public sealed record MessageShortcut(string CallbackId, string Name);

public sealed record EstateLink(string Label, string Url);

/// <summary>Slack's published limits. Tests shorten or lift them; the defaults are the real ones.</summary>
public sealed record SlackLimits
{
    /// <summary>False lifts every rate limit (benchmarks of other things than Slack).</summary>
    public bool RateLimitsOn { get; init; } = true;

    /// <summary>chat.postMessage: about one a second per channel, short bursts tolerated.</summary>
    public double PostsPerSecondPerChannel { get; init; } = 1;

    public int PostBurst { get; init; } = 10;

    /// <summary>Calls a minute for Slack's tiers 2 to 4.</summary>
    public int Tier2 { get; init; } = 20;
    public int Tier3 { get; init; } = 50;
    public int Tier4 { get; init; } = 100;

    /// <summary>apps.connections.open: tier 1, but an app may open its ten connections at once.</summary>
    public int ConnectionOpens { get; init; } = 20;

    /// <summary>An app must answer a delivery within this.</summary>
    public TimeSpan DeliveryTimeout { get; init; } = TimeSpan.FromSeconds(3);

    public TimeSpan TriggerLifetime { get; init; } = TimeSpan.FromSeconds(3);
    public TimeSpan ResponseUrlLifetime { get; init; } = TimeSpan.FromMinutes(30);
    public int ResponseUrlUses { get; init; } = 5;

    /// <summary>Waits before the first, second and third redelivery of an event.</summary>
    public IReadOnlyList<TimeSpan> EventRetries { get; init; } = [TimeSpan.Zero, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5)];

    /// <summary>A Slack app may hold ten Socket Mode connections.</summary>
    public int SocketConnections { get; init; } = 10;
}
