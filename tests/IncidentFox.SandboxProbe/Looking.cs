using System.Collections;

namespace IncidentFox.SandboxProbe;

/// <summary>What a program sees that merely looks around.</summary>
internal static class Looking
{
    public static IEnumerable<string> Environment()
    {
        foreach (DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
        {
            yield return variable.Key + "=" + variable.Value;
        }
    }

    public static IEnumerable<string> Identity() =>
        File.ReadAllLines("/proc/self/status").Where(line => Interesting.Any(line.StartsWith));

    public static IEnumerable<string> Descriptors() =>
        Directory.GetFileSystemEntries("/proc/self/fd").Select(path => path + " " + new FileInfo(path).LinkTarget);

    /// <summary>Every file and folder but what the kernel makes up.</summary>
    public static IEnumerable<string> Tree(string folder)
    {
        string[] entries;
        try
        {
            entries = Directory.GetFileSystemEntries(folder);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }

        return entries.Where(path => path is not ("/proc" or "/sys"))
            .SelectMany(path => Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null ? Tree(path).Prepend(path) : [path]);
    }

    public static IEnumerable<string> Processes() =>
        Directory.GetDirectories("/proc").Select(path => Path.GetFileName(path)).Where(name => name.All(char.IsAsciiDigit));

    private static readonly string[] Interesting = ["Uid:", "Gid:", "Groups:", "Cap", "NoNewPrivs:", "Seccomp:"];
}
