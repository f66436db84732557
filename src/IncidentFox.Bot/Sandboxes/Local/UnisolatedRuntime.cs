namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>No isolation at all: the agent as a plain process, with limits and an empty environment. Only on express demand.</summary>
internal sealed class UnisolatedRuntime : ISandboxRuntime
{
    public string Name => "none";

    public bool InheritsLimits => true;

    public (long MemoryBytes, int Processes) OnThisMachine(SandboxLimits limits) => (limits.MemoryBytes, limits.Processes);

    public LaunchPlan Prepare(Launch launch) =>
        new([launch.Root.Agent, .. launch.Arguments(Path.Combine(launch.DoorDirectory, Path.GetFileName(SandboxLayout.SocketInside)))]);
}
