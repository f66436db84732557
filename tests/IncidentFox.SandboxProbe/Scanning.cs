using System.Globalization;

namespace IncidentFox.SandboxProbe;

/// <summary>
/// Looks for secrets in the environment, in every readable file, in /proc and in the probe's own memory. The needles arrive with
/// every byte turned over (xor 0xA5) and are never turned back, so that the probe does not find what it was told to look for.
/// </summary>
internal static class Scanning
{
    private const byte Mask = 0xA5;
    private const int Chunk = 1 << 20;

    public static IEnumerable<string> Scan(string folder, string process, string[] hexNeedles)
    {
        var needles = hexNeedles.Select(Convert.FromHexString).ToArray();
        long scanned = 0;
        foreach (var path in Looking.Tree(folder).Concat(ProcFiles(process)).Where(File.Exists))
        {
            foreach (var hit in ScanFile(path, needles, ref scanned))
            {
                yield return "found " + path + " " + hit;
            }
        }

        foreach (var (start, end) in Maps())
        {
            foreach (var hit in ScanMemory(start, end, needles, ref scanned))
            {
                yield return "found memory " + hit;
            }
        }

        yield return FormattableString.Invariant($"scanned {scanned}");
    }

    private static IEnumerable<string> ProcFiles(string only)
    {
        foreach (var process in Directory.GetDirectories("/proc").Where(path => path["/proc/".Length..].All(char.IsAsciiDigit) && (only == "*" || path == "/proc/" + only)))
        {
            foreach (var file in (string[])["environ", "cmdline", "comm", "status", "maps", "mountinfo", "cgroup"])
            {
                yield return process + "/" + file;
            }
        }

        foreach (var file in (string[])["/proc/cmdline", "/proc/mounts", "/proc/net/unix", "/proc/net/tcp", "/proc/keys", "/proc/sched_debug"])
        {
            yield return file;
        }
    }

    private static List<string> ScanFile(string path, byte[][] needles, ref long scanned)
    {
        try
        {
            if (path.StartsWith("/dev/", StringComparison.Ordinal))
            {
                return []; // endless ones live there
            }

            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            return ScanStream(file, long.MaxValue, needles, ref scanned);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return [];
        }
    }

    private static List<string> ScanMemory(long start, long end, byte[][] needles, ref long scanned)
    {
        try
        {
            using var memory = new FileStream("/proc/self/mem", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            memory.Seek(start, SeekOrigin.Begin);
            return ScanStream(memory, end - start, needles, ref scanned);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return [];
        }
    }

    private static List<string> ScanStream(FileStream stream, long length, byte[][] needles, ref long scanned)
    {
        var hits = new List<string>();
        var buffer = new byte[Chunk];
        var kept = 0;
        while (length > 0)
        {
            var read = stream.Read(buffer, kept, (int)Math.Min(Chunk - kept, length));
            if (read <= 0)
            {
                break;
            }

            scanned += read;
            length -= read;
            var filled = kept + read;
            for (var i = 0; i < needles.Length; i++)
            {
                if (Contains(buffer.AsSpan(0, filled), needles[i]))
                {
                    hits.Add(i.ToString(CultureInfo.InvariantCulture));
                }
            }

            kept = Math.Min(filled, 256); // a needle may lie across two chunks
            buffer.AsSpan(filled - kept, kept).CopyTo(buffer);
        }

        return hits;
    }

    private static bool Contains(ReadOnlySpan<byte> hay, byte[] turnedNeedle)
    {
        for (var from = 0; from <= hay.Length - turnedNeedle.Length; from++)
        {
            var next = hay[from..].IndexOf((byte)(turnedNeedle[0] ^ Mask));
            if (next < 0 || from + next > hay.Length - turnedNeedle.Length)
            {
                return false;
            }

            from += next;
            var same = 1;
            while (same < turnedNeedle.Length && (hay[from + same] ^ Mask) == turnedNeedle[same])
            {
                same++;
            }

            if (same == turnedNeedle.Length)
            {
                return true;
            }
        }

        return false;
    }

    private static IEnumerable<(long Start, long End)> Maps()
    {
        foreach (var line in File.ReadAllLines("/proc/self/maps"))
        {
            var words = line.Split(' ', 3);
            var ends = words[0].Split('-');
            if (words[1].StartsWith('r') && !line.EndsWith("[vsyscall]", StringComparison.Ordinal) && !line.EndsWith("[vvar]", StringComparison.Ordinal))
            {
                yield return (long.Parse(ends[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), long.Parse(ends[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            }
        }
    }
}
