using IncidentFox.Workbench.SlackWorkspace;

namespace IncidentFox.Workbench.Stack;

/// <summary>How the whole product is brought up on one machine.</summary>
public sealed record StackOptions
{
    /// <summary>Everything that is written: database, secrets, configuration, logs.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>True: a database without durability, gone afterwards; for tests.</summary>
    public bool Ephemeral { get; init; }

    /// <summary>True: commits reach the disk although the stack is <see cref="Ephemeral"/>; for measuring.</summary>
    public bool DurableDatabase { get; init; }

    /// <summary>Where the workspace's page is; 0 is any free port.</summary>
    public int SlackPort { get; init; } = 5080;

    /// <summary>What is broken: a name of a fault, <c>random</c> or <c>none</c>.</summary>
    public string Fault { get; init; } = "random";

    /// <summary>How long the shop is healthy first.</summary>
    public TimeSpan HealthyFor { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The product: <c>incidentfox.dll</c>.</summary>
    public string ProductPath { get; init; } = Installed.Product;

    /// <summary>The agent: <c>incidentfox-agent</c>.</summary>
    public string AgentPath { get; init; } = Installed.Agent;

    /// <summary><c>auto</c>, <c>gvisor</c> or <c>bubblewrap</c>.</summary>
    public string SandboxDriver { get; init; } = "auto";

    /// <summary>
    /// True: sandboxes are pods of a cluster that is a double but for its node, which runs them; bot and gateway are processes of their own. Takes root.
    /// </summary>
    public bool Pods { get; init; }

    /// <summary>Of <see cref="Pods"/>: how many wait, caged, for an investigation.</summary>
    public int WarmPods { get; init; }

    /// <summary>Sandboxes at work at the same time; null: the product's default.</summary>
    public int? MaxSandboxes { get; init; }

    /// <summary>The limits that the workspace double enforces: Slack's own unless told.</summary>
    public SlackLimits SlackLimits { get; init; } = new();

    /// <summary>How long the agent waits for a decision in its sandbox.</summary>
    public int ParkAfterSeconds { get; init; } = 120;

    /// <summary>False: the gateway has no credential for Prometheus.</summary>
    public bool PrometheusCredential { get; init; } = true;

    /// <summary>The policy's JSON; null: the documented example.</summary>
    public string? PolicyJson { get; init; }

    /// <summary>True: the product dials the workspace (Socket Mode) instead of being called over signed HTTP.</summary>
    public bool SocketMode { get; init; }

    /// <summary>A real workspace instead of the double.</summary>
    public RealSlack? RealSlack { get; init; }

    /// <summary>What is said while it starts.</summary>
    public Action<string> Say { get; init; } = _ => { };
}

/// <summary>A real Slack workspace, reached by Socket Mode: no public address is needed.</summary>
/// <param name="BotToken"><c>xoxb-…</c></param>
/// <param name="AppToken"><c>xapp-…</c></param>
/// <param name="WorkspaceId"><c>T…</c></param>
/// <param name="ChannelId">The channel that belongs to the team, <c>C…</c></param>
/// <param name="OperatorId">Who may investigate, <c>U…</c></param>
/// <param name="AdminId">Who may approve, <c>U…</c></param>
public sealed record RealSlack(string BotToken, string AppToken, string WorkspaceId, string ChannelId, string OperatorId, string AdminId);

/// <summary>Where a build puts things, seen from the workbench's own executable.</summary>
public static class Installed
{
    private static readonly string Root = FindRoot();

    /// <summary>The repository.</summary>
    public static string Repository => Root;

    /// <summary>The product, built in the same configuration as the workbench.</summary>
    public static string Product { get; } = Path.Combine(Root, "src", "IncidentFox.Host", "bin", Configuration, "net10.0", "incidentfox.dll");

    /// <summary>The agent, as <c>make agent</c> publishes it.</summary>
    public static string Agent { get; } = Path.Combine(Root, "artifacts", "agent", "incidentfox-agent");

#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "IncidentFox.Bot.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"The workbench runs from a clone of the repository; {AppContext.BaseDirectory} is not in one.");
    }
}
