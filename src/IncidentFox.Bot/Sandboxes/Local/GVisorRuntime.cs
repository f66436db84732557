namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>
/// gVisor: a kernel of its own in user space between the agent and this machine.
/// The agent's user inside is the sandbox's own user; runsc's gofer, which opens the socket for it, runs as the bot's user. Both reach
/// the door: its folder and socket belong to the sandbox's user, and root's gofer may pass.
/// </summary>
internal sealed class GVisorRuntime(string runsc, bool hasHostUnixSocketsFlag, string platform) : ISandboxRuntime
{
    public string Name => "gvisor";

    public bool InheritsLimits => false;

    // The agent's processes are counted by gVisor's own kernel (RLIMIT_NPROC in the bundle); each takes several tasks of this machine, and when this
    // machine refuses one, that kernel gives up altogether. So the cgroup is only the backstop, and has room.
    public (long MemoryBytes, int Processes) OnThisMachine(SandboxLimits limits) => (limits.MemoryBytes + (128L * 1024 * 1024), (limits.Processes * 8) + 256);

    public LaunchPlan Prepare(Launch launch)
    {
        var layout = launch.Layout;
        Directory.CreateDirectory(layout.RunscState);
        File.WriteAllText(Path.Combine(layout.Work, "config.json"), OciBundle.Build(launch));
        return new(
        [
            runsc,
            "--root", layout.RunscState,
            "--network=none",
            hasHostUnixSocketsFlag ? "--host-uds=open" : "--fsgofer-host-uds",
            "--ignore-cgroups", // the cgroup is ours, and runsc is started inside it
            .. platform.Length > 0 ? new[] { "--platform=" + platform } : [],
            .. launch.AsRoot ? Array.Empty<string>() : ["--rootless"],
            "run", "--bundle", layout.Work, layout.Short,
        ]);
    }
}
