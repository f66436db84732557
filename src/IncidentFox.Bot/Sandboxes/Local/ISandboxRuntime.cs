namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>What one launch needs to know.</summary>
/// <param name="Layout">Where things are.</param>
/// <param name="Root">The folder that becomes <c>/</c>.</param>
/// <param name="DoorDirectory">The folder that becomes <c>/run/incidentfox</c>; holds nothing but the socket.</param>
/// <param name="Limits">What the agent may use.</param>
/// <param name="HasCgroup">Whether a cgroup holds memory and processes; if not, resource limits must.</param>
/// <param name="AsRoot">Whether the bot is root and the sandbox gets a user of its own.</param>
internal sealed record Launch(SandboxLayout Layout, SandboxRoot Root, string DoorDirectory, SandboxLimits Limits, bool HasCgroup, bool AsRoot)
{
    /// <summary>See <see cref="SandboxSpec.Acts"/>.</summary>
    public IReadOnlyList<string>? Acts { get; init; }

    /// <summary>The agent's arguments, with the socket where it sees it.</summary>
    public string[] Arguments(string socket) => Acts is null ? [socket] : ["conform", socket, .. Acts];
}

/// <summary>What to run.</summary>
/// <param name="Command">The program and its arguments.</param>
/// <param name="Filter">A file to be open as descriptor <see cref="SandboxProcess.FilterDescriptor"/>, if any.</param>
internal sealed record LaunchPlan(IReadOnlyList<string> Command, string? Filter = null);

/// <summary>One way of isolating: how it is launched and what it leaves behind. Everything else is the same for all.</summary>
internal interface ISandboxRuntime
{
    string Name { get; }

    /// <summary>
    /// Whether resource limits set before the launch reach the agent. gVisor's kernel keeps its own, given in the bundle, and needs address space itself.
    /// </summary>
    bool InheritsLimits { get; }

    /// <summary>What this machine has to allow so that the agent gets its limits: theirs, and what the isolation itself needs.</summary>
    (long MemoryBytes, int Processes) OnThisMachine(SandboxLimits limits);

    /// <summary>Prepares the work folder, if it needs one, and says what to run.</summary>
    LaunchPlan Prepare(Launch launch);
}
