using IncidentFox.Workbench.Processes;

namespace IncidentFox.Benchmarks.Gateway.Contestants;

/// <summary>A program of ours in a process of its own.</summary>
internal sealed class OwnContestant : IContestant
{
    private readonly ChildProcess _process;
    private readonly string _prefix;

    public OwnContestant(string name, string folder, IReadOnlyList<string> arguments, Doors doors, string prefix)
        : this(name, Start(name, folder, arguments), doors, prefix)
    {
    }

    private OwnContestant(string name, ChildProcess process, Doors doors, string prefix) => (Name, _process, Doors, _prefix) = (name, process, doors, prefix);

    public string Name { get; }

    public Doors Doors { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>The last lines it wrote.</summary>
    public string Tail => _process.Tail;

    /// <summary>Memory that it holds now, MiB.</summary>
    public double ResidentMegabytes => double.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal))[6..].Replace("kB", ""),
        System.Globalization.CultureInfo.InvariantCulture) / 1024;

    public string PathOf(string file) => $"{_prefix}/data/{file}";

    /// <summary>The same process, with doors that are known by now.</summary>
    public OwnContestant With(Doors doors, string prefix) => new(Name, _process, doors, prefix);

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static ChildProcess Start(string name, string folder, IReadOnlyList<string> arguments) => ChildProcess.Start(new ChildProcessOptions
    {
        Program = "/usr/bin/env",
        Arguments =
        [
            // For perf: names of compiled methods in /tmp/perf-PID.map.
            .. BenchSettings.Profile ? ["DOTNET_PerfMapEnabled=1", "DOTNET_EnableWriteXorExecute=0"] : Array.Empty<string>(),
            "dotnet", typeof(OwnContestant).Assembly.Location, "contestant", name, .. arguments,
        ],
        WorkingDirectory = folder,
        LogFile = Path.Combine(folder, $"{name}.log"),
    });
}
