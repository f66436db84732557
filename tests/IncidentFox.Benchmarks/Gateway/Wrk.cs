using System.Globalization;
using System.Text.RegularExpressions;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Benchmarks.Gateway;

/// <summary>Runs wrk: as many requests as a contestant answers, over a fixed number of connections.</summary>
internal sealed partial class Wrk(string library, string folder)
{
    /// <summary>Connections at once, spread evenly over a contestant's doors: as many calls as all sandboxes may have under way by default, eight each.</summary>
    public const int Connections = 8 * GatewayEstate.Sandboxes;

    /// <summary>A quarter of it, where who answers waits more than it works.</summary>
    public const int FewConnections = Connections / 4;

    private const int PlaceholderPort = 19;   // nobody is connected to there: the library takes it

    /// <summary>Answered requests per second. An answer that is no 2xx, or a socket error, throws: it would be a faster answer than the real one.</summary>
    public async Task<double> RunAsync(Doors doors, string path, TimeSpan time, CancellationToken cancellationToken, int connections = Connections)
    {
        var port = doors.Sockets.Count > 0 ? PlaceholderPort : doors.Port;
        await using var wrk = ChildProcess.Start(new ChildProcessOptions
        {
            Program = "/usr/bin/env",
            Arguments =
            [
                $"LD_PRELOAD={library}", $"DOORS={string.Join(':', doors.Sockets)}", $"DOOR_PORT={PlaceholderPort}",
                "wrk", "-t1", $"-c{connections}", string.Create(CultureInfo.InvariantCulture, $"-d{time.TotalSeconds:0}s"), "--timeout", "10s",
                $"http://127.0.0.1:{port}{path}",
            ],
            WorkingDirectory = folder,
        });
        await wrk.WaitForExitAsync(cancellationToken);
        var said = wrk.Tail;
        if (wrk.ExitCode != 0 || said.Contains("Non-2xx", StringComparison.Ordinal) || said.Contains("Socket errors", StringComparison.Ordinal))
            throw new InvalidOperationException($"wrk at {path}: {said}");
        return Rate().Match(said) is { Success: true } rate
            ? double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"wrk said nothing of its rate: {said}");
    }

    [GeneratedRegex("Requests/sec:\\s+([0-9.]+)")]
    private static partial Regex Rate();
}
