using System.Globalization;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>
/// One process and no other: process numbers are used again, so the start time (ticks since boot, <c>/proc/{pid}/stat</c> field 22) and
/// the boot belong to it.
/// </summary>
internal sealed record ProcessIdentity(int Pid, long StartTicks, string Boot)
{
    private static readonly string ThisBoot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    public static ProcessIdentity Own { get; } = Of(Environment.ProcessId)!;

    /// <summary>Null when there is no such process.</summary>
    public static ProcessIdentity? Of(int pid) => StartOf(pid) is { } start ? new(pid, start, ThisBoot) : null;

    /// <summary>Alive and not merely waiting to be collected.</summary>
    public bool IsAlive => Boot == ThisBoot && StartOf(Pid) == StartTicks;

    /// <summary>A name for files of this process.</summary>
    public string FileName => string.Create(CultureInfo.InvariantCulture, $"{Pid}-{StartTicks}-{Boot}");

    public static bool TryParseFileName(string name, out ProcessIdentity? identity)
    {
        identity = null;
        var parts = name.Split('-', 3);
        if (parts.Length == 3 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var start))
        {
            identity = new(pid, start, parts[2]);
        }

        return identity is not null;
    }

    private static long? StartOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));

            // The second field is the program's name in parentheses and may hold anything, spaces and parentheses too.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null; // gone: a process that ends while it is read reports an error of its own
        }
    }
}
