using System.Diagnostics;

namespace IncidentFox.Workbench.Estate.Cluster.RealPods;

/// <summary>Programs of this machine that set up what pods run in.</summary>
internal static class Tool
{
    public const string SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Where a program is, or null.</summary>
    public static string? Find(string program) => SearchPath.Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>Several of iproute2's commands at once, in order, in a network namespace or (null) this machine's own.</summary>
    public static Task<string?> IpAsync(string? inside, params IEnumerable<string> commands) =>
        RunAsync("ip", inside is null ? ["-batch", "-"] : ["-n", inside, "-batch", "-"], string.Join('\n', commands) + "\n");

    /// <summary>The same for what may be gone already: each is tried whatever becomes of the others.</summary>
    public static Task IpAnywayAsync(string? inside, params IEnumerable<string> commands) =>
        RunAsync("ip", inside is null ? ["-force", "-batch", "-"] : ["-n", inside, "-force", "-batch", "-"], string.Join('\n', commands) + "\n");

    /// <summary>Null when it succeeded, else what it said.</summary>
    public static async Task<string?> RunAsync(string program, IEnumerable<string> arguments, string input = "")
    {
        var start = new ProcessStartInfo(Find(program) ?? throw new InvalidOperationException($"{program} is not installed: run eng/setup --test."))
        {
            RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false, WorkingDirectory = "/",
        };
        start.Environment.Clear();
        start.Environment["PATH"] = SearchPath;
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already: its exit code says how.
        }

        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return $"{program} did not end";
        }

        await output;
        return process.ExitCode == 0 ? null : $"{program}: {(await errors).Trim()}";
    }
}
