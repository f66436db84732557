namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>
/// Who may reach what below the runtime directory. As root, every sandbox runs as a user of its own: the directory lets through but lists nothing,
/// and each door belongs to its sandbox's user alone. Not as root, the directory is the bot's alone and what is below may be open, because inside
/// gVisor's user namespace the agent is a user that owns nothing.
/// </summary>
internal static class RuntimeFolders
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode PassThrough = Private | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const UnixFileMode ReadWriteByAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    public static void Ensure(string runtimeDirectory)
    {
        Directory.CreateDirectory(runtimeDirectory);
        Directory.CreateDirectory(SandboxLayout.RecordsOf(runtimeDirectory), Private);
        Directory.CreateDirectory(SandboxLayout.RootsOf(runtimeDirectory));
        File.SetUnixFileMode(runtimeDirectory, Environment.IsPrivilegedProcess ? PassThrough : Private);
        File.SetUnixFileMode(SandboxLayout.RootsOf(runtimeDirectory), PassThrough);
    }

    /// <summary>Lets the sandbox, and nobody else on this machine, through the door that the gateway has just opened.</summary>
    public static void GiveDoorTo(SandboxLayout layout, string socketPath)
    {
        var folder = Path.GetDirectoryName(socketPath)!;
        if (Environment.IsPrivilegedProcess)
        {
            File.SetUnixFileMode(layout.RuntimeDirectory, PassThrough); // whoever made it may have closed it
            File.SetUnixFileMode(socketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            Libc.ChangeOwner(socketPath, layout.HostUser);
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            Libc.ChangeOwner(folder, layout.HostUser);
            return;
        }

        File.SetUnixFileMode(layout.RuntimeDirectory, Private);
        File.SetUnixFileMode(folder, PassThrough | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        File.SetUnixFileMode(socketPath, ReadWriteByAll);
    }
}
