using System.Diagnostics;
using System.Globalization;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>The cgroups of one sandbox: every process that was ever started in it, and no other.</summary>
internal sealed class SandboxCgroup(IReadOnlyList<string> folders)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A process that writes 0 to each of these moves itself in.</summary>
    public IEnumerable<string> Entrances => folders.Select(folder => Path.Combine(folder, "cgroup.procs"));

    /// <summary>Whether the kernel killed something in here for want of memory.</summary>
    public bool RanOutOfMemory => folders.Any(folder => KillsIn(Path.Combine(folder, "memory.events")) || KillsIn(Path.Combine(folder, "memory.oom_control")));

    /// <summary>Kills all there is until nothing is, then removes the folders. False when something would not go within ten seconds.</summary>
    public async Task<bool> DestroyAsync()
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            KillAll();
            if (folders.All(TryRemove))
            {
                return true;
            }

            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                return false;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2)); // a killed process is counted until its parent has collected it
        }
    }

    private void KillAll()
    {
        foreach (var process in folders.SelectMany(Processes).Distinct())
        {
            // Read from the cgroup a moment ago; the handle taken inside is compared with the start time read now.
            if (ProcessIdentity.Of(process) is { } identity)
            {
                Libc.Kill(identity);
            }
        }
    }

    private static IEnumerable<int> Processes(string folder)
    {
        try
        {
            return [.. File.ReadAllLines(Path.Combine(folder, "cgroup.procs")).Select(line => int.Parse(line, CultureInfo.InvariantCulture)).Where(pid => pid > 0)];
        }
        catch (IOException)
        {
            return []; // the folder is gone already
        }
    }

    private static bool TryRemove(string folder)
    {
        try
        {
            Directory.Delete(folder); // a cgroup goes when it is empty, with the files the kernel shows in it
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static bool KillsIn(string file)
    {
        try
        {
            return File.ReadLines(file).Any(line => line.StartsWith("oom_kill ", StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal));
        }
        catch (IOException)
        {
            return false; // not this version's file
        }
    }
}
