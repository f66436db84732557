using IncidentFox.Bot.Sandboxes;

namespace IncidentFox.Bot.Tests.Sandboxes;

/// <summary>What every driver that isolates must hold. A machine without one of them fails these tests: they are never skipped.</summary>
public abstract partial class SandboxConformanceTests(string driver)
{
    private static CancellationToken Ct => SandboxFixture.Ct;

    [Fact]
    public async Task An_agent_reaches_its_door_and_its_end_is_reported()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            await probe.TellAsync("exit 0", Ct);
            var exit = await sandbox.Exited.WaitAsync(Ct);

            Assert.Equal(driver, fixture.Driver.Name);
            Assert.Equal(SandboxExitKind.Finished, exit.Kind);
            Assert.Equal(0, exit.ExitCode);
        }
    }
}

public sealed class GVisorConformanceTests() : SandboxConformanceTests("gvisor");

public sealed class BubblewrapConformanceTests() : SandboxConformanceTests("bubblewrap");
