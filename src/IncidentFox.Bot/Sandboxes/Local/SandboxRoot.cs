namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>
/// What a sandbox sees as <c>/</c>, read-only and shared by all sandboxes of this process: the agent, and empty folders to mount on.
/// A copy, because the agent's own folder may be closed to the sandbox's user, and so that a running process keeps its version.
/// </summary>
internal sealed record SandboxRoot(string Base)
{
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public string Folder => Path.Combine(Base, "root");

    public string Agent => Path.Combine(Folder, "agent");

    public string EmptyFile => Path.Combine(Base, "empty");

    /// <summary>For bubblewrap; empty, and so refused by it, on an architecture that has none.</summary>
    public string Filter => Path.Combine(Base, "seccomp.bpf");

    public string EmptyFolder => Path.Combine(Folder, "tmp");

    public static SandboxRoot Create(string runtimeDirectory, string agentPath, string name)
    {
        RuntimeFolders.Ensure(runtimeDirectory);
        var root = new SandboxRoot(Path.Combine(SandboxLayout.RootsOf(runtimeDirectory), name));
        Directory.CreateDirectory(root.Base);
        foreach (var folder in (string[])["proc", "tmp", "dev", "sys", "run/incidentfox"])
        {
            Directory.CreateDirectory(Path.Combine(root.Folder, folder));
        }

        foreach (var (path, content) in new[] { (root.EmptyFile, []), (root.Filter, SeccompFilter.ForThisMachine() ?? []) })
        {
            File.WriteAllBytes(path, content);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }

        File.Copy(agentPath, root.Agent);
        File.SetUnixFileMode(root.Agent, Closed);
        foreach (var folder in Directory.EnumerateDirectories(root.Base, "*", SearchOption.AllDirectories).Prepend(root.Base))
        {
            File.SetUnixFileMode(folder, Closed | UnixFileMode.UserWrite); // whatever the umask is
        }

        return root;
    }

    /// <summary>Another process may remove it at the same time: what one finds gone the other took, and neither stops before all of it is gone.</summary>
    public void Remove()
    {
        while (Directory.Exists(Base))
        {
            try
            {
                Directory.Delete(Base, recursive: true);
            }
            catch (DirectoryNotFoundException)
            {
                // A part of it was gone already: progress, so this ends.
            }
        }
    }
}
