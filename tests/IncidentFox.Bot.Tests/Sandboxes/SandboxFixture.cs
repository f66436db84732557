using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Local;
using IncidentFox.Core;
using IncidentFox.TestKit.Probe;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Bot.Tests.Sandboxes;

/// <summary>One driver with the probe as its agent, in a runtime directory of its own.</summary>
internal sealed class SandboxFixture : IAsyncDisposable
{
    public static readonly string ProbePath = Path.Combine(AppContext.BaseDirectory, "probe", "sandbox-probe");

    private SandboxFixture(string driver, TimeProvider? time)
    {
        RuntimeDirectory = Directory.CreateTempSubdirectory("ifx").FullName;
        Door = new(RuntimeDirectory);
        Options = new()
        {
            AgentPath = ProbePath,
            Driver = driver,
            AllowUnisolated = driver == "none",
            RuntimeDirectory = RuntimeDirectory,
            GVisorPlatform = "ptrace",
        };
        Time = time ?? TimeProvider.System;
    }

    public static SandboxLimits Limits { get; } = new(TimeSpan.FromMinutes(2), 192L * 1024 * 1024, 48);

    public string RuntimeDirectory { get; }

    public ProbeDoor Door { get; }

    public LocalSandboxOptions Options { get; }

    public TimeProvider Time { get; }

    public ISandboxDriver Driver { get; private set; } = null!;

    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<SandboxFixture> CreateAsync(string driver, TimeProvider? time = null, bool cgroups = true)
    {
        var fixture = new SandboxFixture(driver, time);
        var choice = await LocalSandboxes.ChooseAsync(fixture.Options, cgroups ? LocalMachine.Detect() : LocalMachine.Detect() with { Cgroups = null }, fixture.Door, fixture.Time, NullLogger.Instance, Ct);
        fixture.Driver = choice is LocalSandboxChoice.Chosen(var chosen)
            ? chosen
            : throw new InvalidOperationException("The tests need this driver on this machine: " + ((LocalSandboxChoice.Refused)choice).Sentence);
        return fixture;
    }

    public async Task<ISandbox> StartAsync(SandboxLimits? limits = null)
    {
        var start = await Driver.StartAsync(new(SandboxId.New(), limits ?? Limits), Ct);
        return start is SandboxStart.Started(var sandbox) ? sandbox : throw new InvalidOperationException(((SandboxStart.Refused)start).Sentence);
    }

    public async Task<(ISandbox Sandbox, ProbeSession Probe)> StartProbeAsync(SandboxLimits? limits = null)
    {
        var sandbox = await StartAsync(limits);
        var accepted = Door.AcceptAsync(sandbox.Id, Ct);
        if (await Task.WhenAny(accepted, sandbox.Exited) == sandbox.Exited && !accepted.IsCompletedSuccessfully)
        {
            throw new InvalidOperationException($"The sandbox ended before its agent dialled: {await sandbox.Exited}");
        }

        return (sandbox, await accepted);
    }

    public async ValueTask DisposeAsync()
    {
        if (Driver is IAsyncDisposable driver)
        {
            await driver.DisposeAsync();
        }

        Door.Dispose();
        Directory.Delete(RuntimeDirectory, recursive: true);
    }
}
