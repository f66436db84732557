using System.Diagnostics;

namespace IncidentFox.Benchmarks.Measuring;

/// <summary>How long the disk takes to make 8 KiB durable: every commit waits for at least one such flush.</summary>
internal static class DiskFlush
{
    private const int Writes = 200;
    private const int Page = 8 * 1024;

    public static IReadOnlyList<double> Measure(string folder)
    {
        var file = Path.Combine(folder, "flush");
        var page = new byte[Page];
        var times = new List<double>(Writes);
        using (var stream = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            // Written through once first, so that the file's size does not change while it is timed, as in a write-ahead log.
            stream.Write(page);
            stream.Flush(flushToDisk: true);
            for (var i = 0; i < Writes; i++)
            {
                Random.Shared.NextBytes(page);
                stream.Position = 0;
                var started = Stopwatch.GetTimestamp();
                stream.Write(page);
                stream.Flush(flushToDisk: true);
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }
        File.Delete(file);
        return times;
    }
}
