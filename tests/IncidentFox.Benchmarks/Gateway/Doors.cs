using IncidentFox.Workbench.Processes;

namespace IncidentFox.Benchmarks.Gateway;

/// <summary>Where a contestant is reached: Unix sockets, or a port where it can't do those.</summary>
/// <param name="Sockets">Connections go to these in turn; none: by TCP.</param>
/// <param name="Port">For TCP.</param>
internal sealed record Doors(IReadOnlyList<string> Sockets, int Port = 0)
{
    /// <summary>One socket.</summary>
    public static Doors At(string socket) => new([socket]);
}

/// <summary>
/// The library that lets wrk connect to Unix sockets. The gateway's door is one per sandbox and stays one; a relay in front of every contestant would cost each
/// of them the same time and so flatter the slow ones.
/// </summary>
internal static class UnixDoorLibrary
{
    /// <summary>Compiles it; returns its path.</summary>
    public static async Task<string> BuildAsync(string folder, CancellationToken cancellationToken)
    {
        var source = Path.Combine(AppContext.BaseDirectory, "Gateway", "unixdoor.c");
        var library = Path.Combine(folder, "unixdoor.so");
        await ChildProcess.RunAsync(new ChildProcessOptions
        {
            Program = "/usr/bin/gcc",
            Arguments = ["-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"],
            WorkingDirectory = folder,
        }, cancellationToken);
        return library;
    }
}
