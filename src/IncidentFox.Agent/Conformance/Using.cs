using System.Diagnostics;
using System.Runtime.InteropServices;

namespace IncidentFox.Agent.Conformance;

/// <summary>Uses up what a sandbox has too much of only if nothing limits it.</summary>
internal static class Using
{
    private const int Mebibyte = 1024 * 1024;
    private const int SigKill = 9;

    /// <summary>Where a file can be made; each is removed again.</summary>
    public static void Write(IReadOnlyList<string> paths, ActReport report)
    {
        var written = new List<string>();
        foreach (var path in paths)
        {
            try
            {
                // What is there is opened for writing and left as it is.
                var isNew = !File.Exists(path);
                using (new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write))
                    written.Add(path);
                if (isNew)
                    File.Delete(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // As it should be.
            }
        }
        report.Line("write", json =>
        {
            json.WriteNumber("tried", paths.Count);
            ActReport.Names(json, "written", written);
        });
    }

    /// <summary>
    /// How many processors it gets. Clocks of processor time differ between kernels, so work is counted: the fastest piece tells what one processor does
    /// that nobody disturbs, the sum of all what was really done.
    /// </summary>
    public static void Processors(TimeSpan time, ActReport report)
    {
        const int Threads = 4;
        var (pieces, fastest) = (new long[Threads], new long[Threads]);
        var since = Stopwatch.GetTimestamp();
        var threads = Enumerable.Range(0, Threads).Select(i => new Thread(() => (pieces[i], fastest[i]) = Burn(since, time))).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        var elapsed = Stopwatch.GetTimestamp() - since;
        report.Line("cpu", json => json.WriteNumber("processors", Math.Round((double)pieces.Sum() * fastest.Min() / elapsed, 2)));
    }

    /// <summary>Fills a file. False when there was no room, which is the end: some only notice later, and what follows gives them time.</summary>
    public static bool Disk(string path, int mebibytes, ActReport report)
    {
        var block = new byte[Mebibyte];
        Random.Shared.NextBytes(block);
        var (written, problem) = (0, "");
        try
        {
            using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            for (; written < mebibytes; written++)
                file.Write(block);
            file.Flush(flushToDisk: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.GetType().Name;
        }
        report.Line("disk", json =>
        {
            json.WriteNumber("mib", written);
            json.WriteString("problem", problem);
        });
        return problem.Length == 0;
    }

    /// <summary>Takes memory from the system, not from the runtime, which may know of a limit and keep to it.</summary>
    public static void Memory(int mebibytes, ActReport report)
    {
        var block = new byte[Mebibyte];
        var (used, problem) = (0, "");
        try
        {
            for (; used < mebibytes; used++)
            {
                if (used % 16 == 0)
                    report.Line("using", json => json.WriteNumber("mib", used));
                Random.Shared.NextBytes(block); // touched and not alike, so that it is really used
                Marshal.Copy(block, 0, Marshal.AllocHGlobal(Mebibyte), Mebibyte);
            }
        }
        catch (OutOfMemoryException)
        {
            problem = "refused";
        }
        report.Line("memory", json =>
        {
            json.WriteNumber("mib", used);
            json.WriteString("problem", problem);
        });
    }

    /// <summary>Starts processes that do nothing until one is refused.</summary>
    public static void Processes(int most, ActReport report)
    {
        var children = new List<int>();
        while (children.Count < most)
        {
            var child = Fork();
            while (child == 0)
                _ = Pause();
            if (child < 0)
                break;
            children.Add(child);
        }
        foreach (var child in children)
            _ = Kill(child, SigKill);
        report.Line("processes", json =>
        {
            json.WriteNumber("started", children.Count);
            json.WriteBoolean("refused", children.Count < most);
        });
    }

    private static (long Pieces, long Fastest) Burn(long since, TimeSpan time)
    {
        var (pieces, fastest, state) = (0L, long.MaxValue, (ulong)since);
        for (var now = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(since, now) < time;)
        {
            for (var i = 0; i < 100_000; i++)
                state = (state * 6364136223846793005) + 1442695040888963407;
            var end = Stopwatch.GetTimestamp();
            (pieces, fastest, now) = (pieces + 1, Math.Min(fastest, end - now), end);
        }
        return state == 1 ? (0, 0) : (pieces, fastest); // the work is used, so it is not left out
    }

#pragma warning disable SYSLIB1054 // blittable signatures: nothing to generate, and no unsafe code in this assembly
    [DllImport("libc", EntryPoint = "fork")]
    private static extern int Fork();

    [DllImport("libc", EntryPoint = "pause")]
    private static extern int Pause();

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
#pragma warning restore SYSLIB1054
}
