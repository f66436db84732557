namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>What this machine has to offer.</summary>
/// <param name="Cgroups">Where cgroups can be made; null for nowhere.</param>
/// <param name="ProgramFolders">Where packages put programs. Not PATH: an environment variable does not decide what isolates.</param>
internal sealed record LocalMachine(CgroupHost? Cgroups, IReadOnlyList<string> ProgramFolders)
{
    public static LocalMachine Detect() => new(CgroupHost.Detect(), ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]);

    public string? Find(string program) => ProgramFolders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
