using System.Diagnostics;

namespace IncidentFox.Mutation;

/// <summary>A copy of the tests in which the assembly under test can be replaced.</summary>
internal sealed class TestRun
{
    // Twenty times what they take; a mutant that runs forever is noticed, too.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    // Properties are asked about fewer cases than in make test: a mutant that needs more of them to be noticed counts as a survivor.
    private const string PropertyCases = "100";
    private readonly string _folder;
    private readonly string _program;

    public TestRun(string repository, string tests, string assembly)
    {
        // Inside the repository: some tests look for its files.
        _folder = Directory.CreateDirectory(Path.Combine(repository, "artifacts", "mutate", Guid.NewGuid().ToString("N")[..8])).FullName;
        foreach (var source in Directory.EnumerateFiles(tests, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(_folder, Path.GetRelativePath(tests, source));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(source, target);
        }
        _program = Path.Combine(_folder, Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(tests))))!);
        AssemblyPath = Path.Combine(_folder, assembly);
    }

    /// <summary>What is replaced.</summary>
    public string AssemblyPath { get; }

    /// <summary>True when every test of these classes passes.</summary>
    public async Task<(bool Passed, string Output)> PassesAsync(IEnumerable<string> classes)
    {
        using var process = Process.Start(new ProcessStartInfo(_program, ["--filter-class", .. classes, "--progress", "off", "--no-ansi", "--stop-on-fail", "on"]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["CsCheck_Iter"] = PropertyCases, ["CsCheck_Threads"] = "1" } })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return (false, "out of patience");
        }
        return (process.ExitCode == 0, await output + await errors);
    }

    public void Remove() => Directory.Delete(_folder, recursive: true);
}
