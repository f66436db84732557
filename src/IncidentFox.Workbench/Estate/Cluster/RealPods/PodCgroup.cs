using System.Globalization;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Workbench.Estate.Cluster.RealPods;

/// <summary>The limits of one pod that only the kernel can hold it to, where this machine lets us ask for them: cgroups of version 2 or 1.</summary>
internal sealed class PodCgroup
{
    private const string Mount = "/sys/fs/cgroup", Parent = "ifxk";
    private const int Period = 100_000;
    private readonly IReadOnlyList<string> _folders;

    private PodCgroup(IReadOnlyList<string> folders) => _folders = folders;

    private static bool IsUnified => File.Exists($"{Mount}/cgroup.controllers");

    /// <summary>What pods are to move themselves into.</summary>
    public IEnumerable<string> Entrances => _folders.Select(f => Path.Combine(f, "cgroup.procs"));

    /// <summary>Whether the kernel killed something in here for want of memory.</summary>
    public bool RanOutOfMemory => _folders.Any(f => Kills(Path.Combine(f, "memory.events")) || Kills(Path.Combine(f, "memory.oom_control")));

    /// <summary>The controllers among <c>memory</c>, <c>cpu</c> and <c>pids</c> that work here.</summary>
    public static IReadOnlyList<string> Usable()
    {
        string[] all = ["memory", "cpu", "pids"];
        try
        {
            if (!IsUnified)
            {
                return [.. all.Where(c => Try(() => Remove(Directory.CreateDirectory($"{Mount}/{c}/{Parent}-try-{Environment.ProcessId}").FullName)))];
            }

            File.WriteAllText($"{Mount}/cgroup.subtree_control", "+memory +pids +cpu");
            Directory.CreateDirectory($"{Mount}/{Parent}");
            File.WriteAllText($"{Mount}/{Parent}/cgroup.subtree_control", "+memory +pids +cpu");
            return all;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <param name="memory">Bytes.</param>
    /// <param name="processors">Share of processor time.</param>
    public static PodCgroup Create(string name, IReadOnlyList<string> usable, long? memory, decimal? processors, int processes)
    {
        var folders = IsUnified && usable.Count > 0 ? [$"{Mount}/{Parent}/{name}"] : usable.Select(c => $"{Mount}/{c}/{Parent}-{name}").ToList();
        foreach (var folder in folders)
        {
            Directory.CreateDirectory(folder);
            var quota = Text((long)((processors ?? 0) * Period));
            Set(folder, "memory.max", memory);
            Set(folder, "memory.limit_in_bytes", memory);
            Set(folder, "memory.memsw.limit_in_bytes", memory);
            Set(folder, "memory.swap.max", memory is null ? null : 0);
            Set(folder, "memory.oom.group", memory is null ? null : 1);
            Set(folder, "pids.max", processes);
            if (processors is not null)
            {
                Set(folder, "cpu.max", $"{quota} {Period}");
                Set(folder, "cpu.cfs_period_us", Text(Period));
                Set(folder, "cpu.cfs_quota_us", quota);
            }
        }

        return new(folders);
    }

    /// <summary>Removes what is empty and nobody's, by name.</summary>
    public static void RemoveLeft(Func<string, bool> isNobodys)
    {
        IEnumerable<(string Folder, string Prefix)> places = IsUnified ? [($"{Mount}/{Parent}", "")] : ((string[])["memory", "cpu", "pids"]).Select(c => ($"{Mount}/{c}", Parent + "-"));
        foreach (var (folder, prefix) in places.Where(p => Directory.Exists(p.Folder)))
        {
            foreach (var left in Directory.GetDirectories(folder, prefix + "*").Where(f => isNobodys(Path.GetFileName(f)[prefix.Length..])))
            {
                _ = Try(() => Remove(left));
            }
        }
    }

    /// <summary>Kills all there is, until nothing is, then removes it.</summary>
    public async Task DestroyAsync()
    {
        for (var tries = 0; tries < 500; tries++)
        {
            foreach (var process in _folders.SelectMany(Processes).Distinct())
            {
                Signals.Kill(process);
            }

            if (_folders.All(f => !Directory.Exists(f) || Try(() => Remove(f))))
            {
                return;
            }

            await Task.Delay(10);
        }
    }

    private static IEnumerable<int> Processes(string folder)
    {
        try
        {
            return [.. File.ReadAllLines(Path.Combine(folder, "cgroup.procs")).Select(line => int.Parse(line, CultureInfo.InvariantCulture)).Where(pid => pid > 1)];
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static void Set(string folder, string file, long? value) => Set(folder, file, value is { } number ? Text(number) : null);

    // Each hierarchy has some of them.
    private static void Set(string folder, string file, string? value)
    {
        if (value is not null && Path.Combine(folder, file) is var path && File.Exists(path))
        {
            File.WriteAllText(path, value);
        }
    }

    private static bool Kills(string file) => Try(() =>
    {
        if (!File.ReadLines(file).Any(line => line.StartsWith("oom_kill ", StringComparison.Ordinal) && line != "oom_kill 0"))
        {
            throw new IOException("none");
        }
    });

    // With the files that the kernel shows in it.
    private static void Remove(string folder) => Directory.Delete(folder);

    private static bool Try(Action act)
    {
        try
        {
            act();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
