using System.Globalization;
using System.Runtime.InteropServices;

namespace IncidentFox.SandboxProbe;

/// <summary>What the probe can be told to do.</summary>
internal static class Commands
{
    private static readonly List<byte[]> Kept = [];

    public static IEnumerable<string> Run(string[] words) => words switch
    {
        ["environment"] => Looking.Environment(),
        ["identity"] => Looking.Identity(),
        ["descriptors"] => Looking.Descriptors(),
        ["tree"] => Looking.Tree("/"),
        ["list", var folder] => Directory.GetFileSystemEntries(folder),
        ["read", var path] => File.ReadAllLines(path),
        ["mounts"] => File.ReadAllLines("/proc/self/mountinfo"),
        ["processes"] => Looking.Processes(),
        ["scan", var folder, var process, .. var needles] => Scanning.Scan(folder, process, needles),
        ["connect", var kind, .. var target] => [Reaching.Connect(kind, target)],
        ["allocate", var megabytes] => [Allocate(Number(megabytes))],
        ["fork", var count] => [Fork(Number(count))],
        ["write", var path] => [Write(path)],
        ["fill", var path, var megabytes] => [Fill(path, Number(megabytes))],
        ["namespace"] => [Outcome(Libc.unshare(0x10000000))],
        ["socket", var domain, var type] => [Outcome(Libc.socket(Number(domain), Number(type), 0) < 0 ? -1 : 0)],
        ["call", var number] => [Outcome((int)Libc.syscall(Number(number), 0, 0, 0, 0, 0))],
        ["mount"] => [Outcome(Libc.mount("none", "/tmp", "tmpfs", 0, 0))],
        ["ignore-sigterm"] => [IgnoreTermination()],
        ["print", var base64] => [Print(base64)],
        ["spin"] => Spin(),
        ["sleep"] => Sleep(),
        _ => ["unknown command"],
    };

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static string Outcome(int result) => result == 0 ? "ok" : Invariant($"failed errno {Marshal.GetLastPInvokeError()}");

    private static string Allocate(int megabytes)
    {
        for (var i = 0; i < megabytes; i++)
        {
            var block = new byte[1024 * 1024];
            Random.Shared.NextBytes(block); // touched and not alike, so that it is really used
            Kept.Add(block);
        }

        return "ok";
    }

    private static string Fork(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var child = Libc.fork();
            while (child == 0)
            {
                _ = Libc.pause();
            }

            if (child < 0)
            {
                return Invariant($"failed after {i}");
            }
        }

        return "ok";
    }

    private static string Write(string path)
    {
        File.WriteAllText(path, "written by the probe");
        return "ok";
    }

    private static string Fill(string path, int megabytes)
    {
        using var file = File.OpenWrite(path);
        var block = new byte[1024 * 1024];
        for (var i = 0; i < megabytes; i++)
        {
            file.Write(block);
        }

        return "ok";
    }

    private static string IgnoreTermination()
    {
        _ = Libc.signal(Libc.SigTerm, Libc.Ignore);
        return "ok";
    }

    private static string Print(string base64)
    {
        using var output = Console.OpenStandardOutput();
        output.Write(Convert.FromBase64String(base64));
        return "ok";
    }

    private static IEnumerable<string> Spin()
    {
        while (true)
        {
            Thread.SpinWait(1000);
        }
    }

    private static IEnumerable<string> Sleep()
    {
        Thread.Sleep(Timeout.Infinite);
        yield break;
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
