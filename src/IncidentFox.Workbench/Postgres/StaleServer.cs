using System.Runtime.InteropServices;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Workbench.Postgres;

/// <summary>What an earlier run that was killed left behind: a server still running, or only its pid file.</summary>
internal static class StaleServer
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static bool IsRunning(string cluster) => FindProcess(cluster) is not null;

    /// <summary>Stops a server that still runs on this cluster, and removes the pid file that would refuse the next start.</summary>
    public static async Task ClearAsync(string cluster, CancellationToken cancellationToken)
    {
        var pidFile = PidFile(cluster);
        if (!File.Exists(pidFile))
        {
            return;
        }

        var lines = await File.ReadAllLinesAsync(pidFile, cancellationToken);
        if (FindProcess(cluster) is { } running)
        {
            Signals.Send(running, PosixSignal.SIGINT);
            var clock = TimeProvider.System;
            var asked = clock.GetTimestamp();
            while (FindProcess(cluster) is not null)
            {
                if (clock.GetElapsedTime(asked) > Patience)
                {
                    throw new InvalidOperationException(
                        $"A PostgreSQL server of an earlier run (process {running}) does not stop: end it (kill -QUIT {running}) and start again.");
                }

                await Task.Delay(50, cancellationToken);
            }
        }

        File.Delete(pidFile);
        RemoveSocketFolder(lines);
    }

    private static string PidFile(string cluster) => Path.Combine(cluster, "postmaster.pid");

    /// <summary>The process of the pid file, if it really is a server of this cluster: pids are reused.</summary>
    private static int? FindProcess(string cluster)
    {
        try
        {
            var first = File.ReadLines(PidFile(cluster)).FirstOrDefault();
            if (!int.TryParse(first, out var pid))
            {
                return null;
            }

            var name = File.ReadAllText($"/proc/{pid}/comm").Trim();
            var folder = new FileInfo($"/proc/{pid}/cwd").ResolveLinkTarget(returnFinalTarget: false)?.FullName;
            return name == "postgres" && folder == cluster ? pid : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void RemoveSocketFolder(string[] pidFileLines)
    {
        // Line 5 is the socket folder (documented with pg_ctl); only one that we made is ours to remove.
        if (pidFileLines.Length >= 5 && Path.GetFileName(pidFileLines[4]).StartsWith("ifpg-", StringComparison.Ordinal)
            && Directory.Exists(pidFileLines[4]))
        {
            Directory.Delete(pidFileLines[4], recursive: true);
        }
    }
}
