namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>
/// bubblewrap: namespaces of this machine's own kernel.
/// When the bot is root, it steps down to the sandbox's own user before bubblewrap starts, so that even an escape would own nothing;
/// the door's folder and socket belong to that user. Otherwise everything is the bot's own user. Inside, that user is shown as 65534.
/// </summary>
internal sealed class BubblewrapRuntime(string bwrap, string setpriv, Func<string, bool> fileExists, Func<string, bool> folderExists) : ISandboxRuntime
{
    public string Name => "bubblewrap";

    public bool InheritsLimits => true;

    // bubblewrap's own two processes.
    public (long MemoryBytes, int Processes) OnThisMachine(SandboxLimits limits) => (limits.MemoryBytes + (4L * 1024 * 1024), limits.Processes + 2);

    public LaunchPlan Prepare(Launch launch)
    {
        var user = launch.Layout.HostUser.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return new(
        [
            .. launch.AsRoot
                ? new[] { setpriv, "--reuid", user, "--regid", user, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--" }
                : [],
            bwrap,
            "--unshare-all", "--unshare-user", "--disable-userns",
            "--uid", "65534", "--gid", "65534", "--hostname", "sandbox",
            "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL",
            "--ro-bind", launch.Root.Folder, "/",
            "--proc", "/proc", // with its writable parts made read-only
            .. ProcPaths.Masked.Where(fileExists).SelectMany(path => new[] { "--ro-bind", launch.Root.EmptyFile, path }),
            .. ProcPaths.Masked.Where(folderExists).SelectMany(path => new[] { "--ro-bind", launch.Root.EmptyFolder, path }),
            "--size", "16777216", "--tmpfs", "/tmp",
            "--ro-bind", launch.DoorDirectory, SandboxLayout.DoorInside,
            "--seccomp", SandboxProcess.FilterDescriptor,
            "--chdir", "/",
            "--", SandboxLayout.AgentInside, .. launch.Arguments(SandboxLayout.SocketInside),
        ],
        launch.Root.Filter);
    }
}
