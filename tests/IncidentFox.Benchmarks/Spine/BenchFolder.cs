namespace IncidentFox.Benchmarks.Spine;

/// <summary>A folder on a real disk (<c>/tmp</c> may be memory), which the database's account can pass through; what is secret lies in closed folders below.</summary>
internal sealed class BenchFolder : IDisposable
{
    public BenchFolder()
    {
        Path = System.IO.Path.Combine("/var/tmp", $"incidentfox-bench-{Guid.NewGuid().ToString("N")[..8]}");
        Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
    }

    public string Path { get; }

    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }
}
