using System.Runtime.InteropServices;

namespace IncidentFox.Agent.Cage;

/// <summary>
/// Limits that a process can put on itself, for sandboxes whose driver cannot (a pod has no process limit of its own). They only ever go
/// down and a refusal is ignored: the driver's limits are what counts, these stand behind them.
/// </summary>
internal static class ProcessLimits
{
    private const int LimitCore = 4, LimitProcesses = 6, LimitFiles = 7, NoNewPrivileges = 38, AskNoNewPrivileges = 39;

    // The runtime needs a dozen threads, which count as processes.
    private const ulong Processes = 128, Files = 256;

    public static void Apply()
    {
        Lower(LimitCore, 0);
        Lower(LimitProcesses, Processes);
        Lower(LimitFiles, Files);
        _ = Prctl(NoNewPrivileges, 1, 0, 0, 0);
    }

    /// <summary>How many processes and threads its user may have; 0 when nobody says.</summary>
    public static ulong MostProcesses => GetLimit(LimitProcesses, out var limit) == 0 ? Math.Min(limit.Soft, int.MaxValue) : 0;

    /// <summary>Whether the kernel lets it gain no privilege by what it starts.</summary>
    public static bool CanGainNoPrivileges => Prctl(AskNoNewPrivileges, 0, 0, 0, 0) == 1;

    private static void Lower(int resource, ulong most)
    {
        if (GetLimit(resource, out var now) != 0)
            return;
        var wanted = new Limit { Soft = Math.Min(now.Soft, most), Hard = Math.Min(now.Hard, most) };
        _ = SetLimit(resource, in wanted);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }

#pragma warning disable SYSLIB1054 // blittable signatures: nothing to generate, and no unsafe code in this assembly
    [DllImport("libc", EntryPoint = "getrlimit")]
    private static extern int GetLimit(int resource, out Limit limit);

    [DllImport("libc", EntryPoint = "setrlimit")]
    private static extern int SetLimit(int resource, in Limit limit);

    [DllImport("libc", EntryPoint = "prctl")]
    private static extern int Prctl(int option, nuint a, nuint b, nuint c, nuint d);
#pragma warning restore SYSLIB1054
}
