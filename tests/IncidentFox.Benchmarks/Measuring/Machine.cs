using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace IncidentFox.Benchmarks.Measuring;

/// <summary>What the figures were taken on. The load average tells whether the machine was busy with something else.</summary>
internal sealed record Machine(
    DateTimeOffset Date, int Cores, string Processor, long MemoryBytes, string Kernel, string Runtime, string Gvisor, string Bubblewrap, double LoadAverageBefore)
{
    public static Machine Look() => new(
        TimeProvider.System.GetUtcNow(),
        Environment.ProcessorCount,
        Field("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
        RuntimeInformation.FrameworkDescription,
        Version("runsc"),
        Version("bwrap"),
        LoadAverage());

    /// <summary>Processes that wanted to run, averaged over the last minute.</summary>
    public static double LoadAverage() => double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    private static string? Field(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();

    private static string Version(string program)
    {
        var path = new[] { "/usr/local/bin", "/usr/bin", "/bin" }.Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);
        if (path is null)
            return "not installed";
        using var process = Process.Start(new ProcessStartInfo(path, "--version") { RedirectStandardOutput = true, UseShellExecute = false })!;
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return said.Split('\n')[0].Trim();
    }
}
