using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Local;
using IncidentFox.TestKit.Probe;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Bot.Tests.Sandboxes;

public sealed class LocalSandboxChoiceTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ifx").FullName;
    private readonly ProbeDoor door;

    public LocalSandboxChoiceTests() => door = new(folder);

    private LocalSandboxOptions Options => new() { AgentPath = SandboxFixture.ProbePath, RuntimeDirectory = folder };

    public void Dispose()
    {
        door.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task GVisor_is_chosen_where_it_works()
    {
        var chosen = Assert.IsType<LocalSandboxChoice.Chosen>(await ChooseAsync(Options));
        Assert.Equal("gvisor", chosen.Driver.Name);
        await ((IAsyncDisposable)chosen.Driver).DisposeAsync();
        Assert.Empty(Directory.GetDirectories(Path.Combine(folder, "roots")));
    }

    [Fact]
    public async Task Bubblewrap_is_chosen_where_gVisor_is_installed_but_does_not_work()
    {
        var machine = MachineWith("bwrap", "setpriv");
        var broken = Path.Combine(machine.ProgramFolders[0], "runsc");
        await File.WriteAllTextAsync(broken, "#!/bin/sh\necho no platform >&2; exit 1\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(broken, (UnixFileMode)0b111_101_101);

        var chosen = Assert.IsType<LocalSandboxChoice.Chosen>(await ChooseAsync(Options, machine));

        Assert.Equal("bubblewrap", chosen.Driver.Name);
        await ((IAsyncDisposable)chosen.Driver).DisposeAsync();
    }

    [Fact]
    public async Task Without_isolation_nothing_is_chosen_unless_that_is_allowed_in_words()
    {
        var options = Options;
        var refused = Assert.IsType<LocalSandboxChoice.Refused>(await ChooseAsync(options, MachineWith()));
        Assert.Contains("runsc is not installed", refused.Sentence, StringComparison.Ordinal);
        Assert.Contains("bwrap", refused.Sentence, StringComparison.Ordinal);

        options.AllowUnisolated = true;
        var chosen = Assert.IsType<LocalSandboxChoice.Chosen>(await ChooseAsync(options, MachineWith()));
        Assert.Equal("none", chosen.Driver.Name);
        await ((IAsyncDisposable)chosen.Driver).DisposeAsync();
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("gvisor")]
    [InlineData("bubblewrap")]
    public async Task An_agent_that_never_reaches_its_door_is_refused_with_the_reason_and_what_to_do(string driver)
    {
        var options = Options;
        options.Driver = driver;
        options.AgentPath = Path.Combine(folder, "agent");
        await File.WriteAllTextAsync(options.AgentPath, "not a program", TestContext.Current.CancellationToken);

        var refused = Assert.IsType<LocalSandboxChoice.Refused>(await ChooseAsync(options));

        Assert.Equal("sandbox_unavailable", refused.Code);
        Assert.Contains("apt-get install", refused.Sentence, StringComparison.Ordinal);
        Assert.Contains(driver == "auto" ? "bubblewrap: the sandbox ended with Crashed" : driver + ": the sandbox ended with Crashed", refused.Sentence, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(folder, "sandboxes")));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(folder, "roots")));
    }

    [Fact]
    public async Task Every_error_of_the_configuration_is_said_at_once_with_how_to_mend_it()
    {
        var options = new LocalSandboxOptions
        {
            AgentPath = "/nowhere/agent",
            Driver = "none",
            RuntimeDirectory = "relative",
            Duration = TimeSpan.Zero,
            MemoryBytes = 1,
            Processes = 1,
            Processors = 0,
            GVisorPlatform = "magic; rm",
        };

        Assert.Equal(8, options.Validate().Count);
        Assert.All(options.Validate(), error => Assert.StartsWith("Sandbox:Local:", error, StringComparison.Ordinal));
        Assert.Equal("sandbox_misconfigured", Assert.IsType<LocalSandboxChoice.Refused>(await ChooseAsync(options)).Code);
        Assert.Empty(Options.Validate());
    }

    private LocalMachine MachineWith(params string[] programs)
    {
        var programFolder = Directory.CreateDirectory(Path.Combine(folder, "programs")).FullName;
        foreach (var program in programs)
        {
            File.CreateSymbolicLink(Path.Combine(programFolder, program), LocalMachine.Detect().Find(program)!);
        }

        return LocalMachine.Detect() with { ProgramFolders = [programFolder] };
    }

    private Task<LocalSandboxChoice> ChooseAsync(LocalSandboxOptions options, LocalMachine? machine = null) =>
        LocalSandboxes.ChooseAsync(options, machine ?? LocalMachine.Detect(), door, TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken);
}
