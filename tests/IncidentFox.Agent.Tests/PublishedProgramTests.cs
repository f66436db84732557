using System.Diagnostics;
using System.Runtime.CompilerServices;
using IncidentFox.Contracts;
using Xunit;

namespace IncidentFox.Agent.Tests;

/// <summary>The program as it ships: native, one file, run in a sandbox without a network where it alone is visible.</summary>
public sealed class PublishedProgramTests(PublishedProgram program) : IClassFixture<PublishedProgram>
{
    [Fact]
    public void It_is_one_file_that_needs_no_library_of_the_host()
    {
        Assert.Equal(["incidentfox-agent"], Directory.GetFiles(program.Folder).Select(Path.GetFileName));
        var image = File.ReadAllBytes(program.Path);
        Assert.True(image.Length < 16 * 1024 * 1024);
        // ELF64 program headers: a dynamic program has an interpreter (type 3).
        var (offset, size, count) = ((int)BitConverter.ToInt64(image, 32), BitConverter.ToUInt16(image, 54), BitConverter.ToUInt16(image, 56));
        Assert.DoesNotContain(Enumerable.Range(0, count), i => BitConverter.ToUInt32(image, offset + i * size) == 3);
    }

    [Fact]
    public async Task It_investigates_from_a_sandbox_that_holds_nothing_else()
    {
        Assert.True(File.Exists("/usr/bin/bwrap"), "bubblewrap is not installed: run eng/setup");
        var shop = new SmallShop();
        shop.BreakByMemory();
        await using var gateway = new FakeGateway { Task = shop.Ask() with { Deadline = TimeProvider.System.GetUtcNow().AddMinutes(5) }, ToolNames = [.. SmallShop.Tools.Except(["pod_restart"])], Answer = shop.Answer };
        var (code, said) = await SandboxedAsync(gateway, 30);
        Assert.True(code == ExitCodes.Done, $"exit code {code}: {said}");
        Assert.All(gateway.Hello!.Cage, p => Assert.False(p.Reached, p.ToString()));
        Assert.Contains(gateway.Hello.Cage, p => p is { Kind: "metadata", Detail: "NetworkUnreachable" });
        Assert.Contains("OOMKilled", gateway.Final.Why, StringComparison.Ordinal);
        Assert.Contains("pod_restart is not offered", gateway.Final.Action!.Outcome!, StringComparison.Ordinal);
        Assert.Empty(gateway.Violations);
    }

    [Fact]
    public async Task It_ends_at_once_on_SIGTERM()
    {
        Assert.True(File.Exists("/usr/bin/bwrap"), "bubblewrap is not installed: run eng/setup");
        await using var gateway = new FakeGateway();
        var waiting = new TaskCompletionSource();
        gateway.Hangs = path =>
        {
            if (path == Protocol.TaskPath)
                waiting.TrySetResult();
            return path == Protocol.TaskPath;
        };
        using var process = Start(gateway, asFirstProcess: false);
        await waiting.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        var child = int.Parse((await File.ReadAllTextAsync($"/proc/{process.Id}/task/{process.Id}/children", TestContext.Current.CancellationToken)).Trim());
        var agent = File.ReadAllText($"/proc/{child}/task/{child}/children").Trim();
        using var kill = Process.Start("kill", ["-TERM", agent.Length > 0 ? agent : $"{child}"]);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await process.WaitForExitAsync(patience.Token);
        Assert.Equal(ExitCodes.Terminated, process.ExitCode);
    }

    private async Task<(int Code, string Said)> SandboxedAsync(FakeGateway gateway, int seconds)
    {
        using var process = Start(gateway, asFirstProcess: true);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(seconds));
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    private Process Start(FakeGateway gateway, bool asFirstProcess) => Process.Start(new ProcessStartInfo("/usr/bin/bwrap")
    {
        ArgumentList =
        {
            "--unshare-all", "--die-with-parent", asFirstProcess ? "--as-pid-1" : "--clearenv", "--clearenv",
            "--ro-bind", program.Path, "/agent", "--bind", gateway.SocketPath, "/gateway.sock", "/agent", "/gateway.sock",
        },
        RedirectStandardError = true,
        UseShellExecute = false,
    })!;
}

/// <summary>Publishes the program once; unchanged sources make it quick.</summary>
public sealed class PublishedProgram
{
    public PublishedProgram()
    {
        Folder = System.IO.Path.Combine(ProjectFolder(), "bin", "published-for-tests");
        using var publish = Process.Start(new ProcessStartInfo("dotnet", ["publish", ProjectFolder(), "-c", "Release", "-r", "linux-x64", "-o", Folder, "--no-restore", "-v", "q", "--nologo"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = publish.StandardOutput.ReadToEnd();
        publish.WaitForExit();
        Assert.True(publish.ExitCode == 0, output);
    }

    public string Folder { get; }

    public string Path => System.IO.Path.Combine(Folder, "incidentfox-agent");

    private static string ProjectFolder([CallerFilePath] string here = "") =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "..", "..", "src", "IncidentFox.Agent"));
}
