using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Local;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.TestKit.Probe;

namespace IncidentFox.Bot.Tests.Sandboxes;

public abstract partial class SandboxConformanceTests
{
    [Fact]
    public async Task An_agent_that_takes_too_much_memory_is_killed_and_it_is_said_why()
    {
        Assert.SkipWhen(CgroupHost.Detect() is null, "Killing is the cgroup's; without one memory is refused, see below.");
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            await probe.TellAsync("allocate 1000", Ct);

            Assert.Equal(SandboxExitKind.OutOfMemory, (await sandbox.Exited.WaitAsync(Ct)).Kind);
            Assert.Empty(Leftovers.Of(sandbox.Id, fixture.RuntimeDirectory));
        }
    }

    [Fact]
    public async Task Without_a_cgroup_too_much_memory_is_refused_and_what_is_left_behind_is_found_all_the_same()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver, cgroups: false);
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            Assert.Equal("ok", await probe.AskOneAsync("allocate 100", Ct));
            var answer = await AnswerOrEndAsync(sandbox, probe, "allocate 2000");

            Assert.True(answer is "failed OutOfMemoryException" or nameof(SandboxExitKind.Crashed), answer);
            await sandbox.StopAsync(Ct);
            // Nothing tells when the kernel has taken down a killed process that no cgroup counts: it is gone soon, not at once.
            await Eventually.TrueAsync(() => Leftovers.Of(sandbox.Id, fixture.RuntimeDirectory).Count == 0, "nothing of it left");
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_fork_bomb_ends_at_the_process_limit(bool cgroups)
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver, cgroups: cgroups);
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            Assert.Equal("ok", await probe.AskOneAsync("fork 20", Ct));
            var answer = await AnswerOrEndAsync(sandbox, probe, "fork 1000");

            Assert.Matches("^failed after [12]?[0-9]$", answer); // 48 in all: 20 before, these, and the probe's own threads
            await sandbox.StopAsync(Ct);
            await Eventually.TrueAsync(() => Leftovers.Of(sandbox.Id, fixture.RuntimeDirectory).Count == 0, "nothing of it left");
        }
    }

    [Fact]
    public async Task An_agent_gets_the_memory_that_it_may_have()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            Assert.Equal("ok", await probe.AskOneAsync("allocate 100", Ct));
            await sandbox.StopAsync(Ct);
        }
    }

    private static async Task<string> AnswerOrEndAsync(ISandbox sandbox, ProbeSession probe, string command)
    {
        try
        {
            return await probe.AskOneAsync(command, Ct);
        }
        catch (IOException)
        {
            return (await sandbox.Exited.WaitAsync(Ct)).Kind.ToString();
        }
    }
}
