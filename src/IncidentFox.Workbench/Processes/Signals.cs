using System.Runtime.InteropServices;

namespace IncidentFox.Workbench.Processes;

internal static class Signals
{
    /// <summary>Sends the signal; a process that is gone already is fine.</summary>
    public static void Send(int processId, PosixSignal signal) => _ = kill(processId, Number(signal));

    /// <summary>SIGKILL; a process that is gone already is fine.</summary>
    public static void Kill(int processId) => _ = kill(processId, 9);

    private static int Number(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGINT => 2,
        PosixSignal.SIGQUIT => 3,
        PosixSignal.SIGTERM => 15,
        _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, "Not a signal that stops a child."),
    };

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int sig);
}
