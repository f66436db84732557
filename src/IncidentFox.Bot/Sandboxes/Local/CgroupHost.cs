using System.Globalization;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>What the kernel is asked to hold a sandbox to, isolation included.</summary>
internal sealed record CgroupLimits(long MemoryBytes, int Processes, double Processors);

/// <summary>Where cgroups can be made on this machine: version 2, version 1, or nowhere.</summary>
internal sealed class CgroupHost
{
    private const string Parent = "incidentfox";
    private const int PeriodMicroseconds = 100_000;

    private readonly IReadOnlyList<(string Folder, Func<CgroupLimits, IEnumerable<(string File, string Value)>> Settings)> hierarchies;

    private CgroupHost(IReadOnlyList<(string, Func<CgroupLimits, IEnumerable<(string, string)>>)> hierarchies) => this.hierarchies = hierarchies;

    /// <summary>Whether processor time is limited as well: on version 1 that is a hierarchy of its own, which may be missing.</summary>
    public bool LimitsProcessors => hierarchies.Count != 2;

    /// <summary>Null when memory and processes can't both be limited by cgroups here.</summary>
    public static CgroupHost? Detect(string mount = "/sys/fs/cgroup")
    {
        if (File.Exists(Path.Combine(mount, "cgroup.controllers")))
        {
            return TryMakeUnifiedParent(mount) is { } unified ? new([(unified, Unified)]) : null;
        }

        if (TryMakeParent(Path.Combine(mount, "memory")) is not { } memory || TryMakeParent(Path.Combine(mount, "pids")) is not { } processes)
        {
            return null;
        }

        var cpu = TryMakeParent(Path.Combine(mount, "cpu"));
        return new(cpu is null ? [(memory, Memory), (processes, Processes)] : [(memory, Memory), (processes, Processes), (cpu, Cpu)]);
    }

    /// <summary>The folders that <see cref="Create"/> will make for a name, so that they can be recorded first.</summary>
    public IReadOnlyList<string> FoldersOf(string name) => [.. hierarchies.Select(hierarchy => Path.Combine(hierarchy.Folder, name))];

    public SandboxCgroup Create(string name, CgroupLimits limits)
    {
        var folders = FoldersOf(name);
        for (var i = 0; i < folders.Count; i++)
        {
            Directory.CreateDirectory(folders[i]);
            foreach (var (file, value) in hierarchies[i].Settings(limits))
            {
                var path = Path.Combine(folders[i], file);
                if (file is not ("memory.memsw.limit_in_bytes" or "memory.swap.max" or "memory.oom.group") || File.Exists(path)) // only where the kernel counts swap
                {
                    File.WriteAllText(path, value);
                }
            }
        }

        return new(folders);
    }

    private static IEnumerable<(string, string)> Unified(CgroupLimits limits) =>
    [
        ("memory.max", Text(limits.MemoryBytes)),
        ("memory.swap.max", "0"),
        ("memory.oom.group", "1"),
        ("pids.max", Text(limits.Processes)),
        ("cpu.max", $"{Text(Quota(limits))} {Text(PeriodMicroseconds)}"),
        ("cpu.weight", "25"), // of 100
    ];

    private static IEnumerable<(string, string)> Memory(CgroupLimits limits) =>
        [("memory.limit_in_bytes", Text(limits.MemoryBytes)), ("memory.memsw.limit_in_bytes", Text(limits.MemoryBytes))];

    private static IEnumerable<(string, string)> Processes(CgroupLimits limits) => [("pids.max", Text(limits.Processes))];

    private static IEnumerable<(string, string)> Cpu(CgroupLimits limits) =>
        [("cpu.cfs_period_us", Text(PeriodMicroseconds)), ("cpu.cfs_quota_us", Text(Quota(limits))), ("cpu.shares", "256")];

    private static long Quota(CgroupLimits limits) => (long)(limits.Processors * PeriodMicroseconds);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string? TryMakeUnifiedParent(string mount) => Try(() =>
    {
        const string controllers = "+memory +pids +cpu";
        var parent = Path.Combine(mount, Parent);
        if (!Directory.Exists(parent)) // made by an administrator and given to us, or made by us as root
        {
            File.WriteAllText(Path.Combine(mount, "cgroup.subtree_control"), controllers);
            Directory.CreateDirectory(parent);
        }

        File.WriteAllText(Path.Combine(parent, "cgroup.subtree_control"), controllers);
        return Proven(parent);
    });

    private static string? TryMakeParent(string controller) =>
        Directory.Exists(controller) ? Try(() => Proven(Directory.CreateDirectory(Path.Combine(controller, Parent)).FullName)) : null;

    // One that somebody else made exists as well, but only one that is ours takes a child.
    private static string Proven(string parent)
    {
        var child = Path.Combine(parent, "proof-" + ProcessIdentity.Own.FileName + "-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(child);
        Directory.Delete(child);
        return parent;
    }

    private static string? Try(Func<string> make)
    {
        try
        {
            return make();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null; // not ours to write, or a controller is missing
        }
    }
}
