using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>
/// Starts a sandbox's outermost process. It gets no environment but PATH, no input and no descriptors, and puts itself under its limits
/// before it becomes the isolation, so that nothing ever runs outside them.
/// </summary>
internal static class SandboxProcess
{
    /// <summary>Where the file of <see cref="LaunchPlan.Filter"/> is open.</summary>
    public const string FilterDescriptor = "9";

    // $1 to $3: data and address space in KiB and processes, or -; $4: the filter, or -; then the cgroups to enter up to --, then the command. Nothing is interpolated.
    private const string Script =
        """
        set -e
        ulimit -c 0
        [ "$1" = - ] || ulimit -d "$1"
        [ "$2" = - ] || ulimit -v "$2"
        [ "$3" = - ] || ulimit -p "$3"
        [ "$4" = - ] || exec 9< "$4"
        shift 4
        while [ "$1" != -- ]; do echo 0 > "$1"; shift; done
        shift
        exec "$@"
        """;

    private static readonly BlockingCollection<(ProcessStartInfo Start, TaskCompletionSource<Process> Started)> Queue = [];
    private static readonly Lazy<Thread> Launcher = new(StartLauncher);

    public static Task<Process> StartAsync(LaunchPlan plan, SandboxCgroup? cgroup, ResourceLimits? resources)
    {
        var start = new ProcessStartInfo("/bin/sh")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        string[] limits = [Text(resources?.Data / 1024), Text(resources?.AddressSpace / 1024), Text(resources?.Processes)];
        foreach (var argument in (string[])["-c", Script, "incidentfox-sandbox", .. limits, plan.Filter ?? "-", .. cgroup?.Entrances ?? [], "--", .. plan.Command])
        {
            start.ArgumentList.Add(argument);
        }

        _ = Launcher.Value;
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Queue.Add((start, started));
        return started.Task;
    }

    private static string Text(long? limit) => limit?.ToString(CultureInfo.InvariantCulture) ?? "-";

    // bubblewrap dies with its parent, and to Linux the parent is the thread that started it: one that never ends, unlike the pool's.
    private static Thread StartLauncher()
    {
        var thread = new Thread(Launch) { IsBackground = true, Name = "sandbox launcher" };
        thread.Start();
        return thread;
    }

    private static void Launch()
    {
        foreach (var (start, started) in Queue.GetConsumingEnumerable())
        {
            try
            {
                Libc.KeepDescriptorsFromChildren();
                var process = Process.Start(start) ?? throw new InvalidOperationException("No process was started.");
                process.StandardInput.Close();
                started.SetResult(process);
            }
            catch (Exception failure) when (failure is System.ComponentModel.Win32Exception or IOException or InvalidOperationException)
            {
                started.SetException(failure);
            }
        }
    }
}
