using System.Globalization;
using IncidentFox.Core;
using IncidentFox.TestKit.Probe;

namespace IncidentFox.Bot.Tests.Sandboxes;

/// <summary>Looks for anything of a sandbox on this machine: processes, mounts, cgroups, folders.</summary>
internal static class Leftovers
{
    public static IReadOnlyList<string> Of(SandboxId sandbox, string runtimeDirectory)
    {
        var name = sandbox.Value.ToString("N", CultureInfo.InvariantCulture)[^16..];
        var user = (0x7000_0000u | uint.Parse(name[^6..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture);
        return
        [
            .. Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(path[^1])).Where(path => Belongs(path, name, user)),
            .. Directory.EnumerateDirectories("/sys/fs/cgroup", name, new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }),
            .. Directory.EnumerateFileSystemEntries(runtimeDirectory, name + "*", SearchOption.AllDirectories),
            .. new[] { ProbeDoor.FolderOf(runtimeDirectory, sandbox) }.Where(Directory.Exists),
            .. File.ReadLines("/proc/self/mountinfo").Where(line => line.Contains(runtimeDirectory, StringComparison.Ordinal)),
        ];
    }

    private static bool Belongs(string process, string name, string user)
    {
        try
        {
            var status = File.ReadAllLines(process + "/status");
            if (status.Any(line => line.StartsWith("State:\tZ", StringComparison.Ordinal)))
            {
                return false; // dead; the machine's first process has yet to collect it
            }

            return File.ReadAllText(process + "/cmdline").Contains(name[^8..], StringComparison.Ordinal)
                || status.Any(line => line.StartsWith("Uid:", StringComparison.Ordinal) && line.Contains(user, StringComparison.Ordinal));
        }
        catch (IOException)
        {
            return false; // ended meanwhile
        }
    }
}
