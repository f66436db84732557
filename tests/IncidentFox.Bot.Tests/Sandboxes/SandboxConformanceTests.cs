using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core;
using IncidentFox.TestKit.Probe;
using Microsoft.Extensions.Time.Testing;

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
            Assert.NotEmpty(Leftovers.Of(sandbox.Id, fixture.RuntimeDirectory)); // what the other tests look for is there while it runs
            await probe.TellAsync("exit 0", Ct);
            var exit = await sandbox.Exited.WaitAsync(Ct);

            Assert.Equal(driver, fixture.Driver.Name);
            Assert.Equal(SandboxExitKind.Finished, exit.Kind);
            Assert.Equal(0, exit.ExitCode);
            Assert.Empty(Leftovers.Of(sandbox.Id, fixture.RuntimeDirectory));
            Assert.False(fixture.Door.IsOpen(sandbox.Id));
        }
    }

    [Fact]
    public async Task An_agent_that_fails_is_reported_with_its_exit_code_and_a_log_that_is_only_text()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            await probe.AskAsync("print " + Convert.ToBase64String("\u001b[2Jgoing\u0007 down\u202e\n"u8), Ct);
            await probe.TellAsync("exit 3", Ct);
            var exit = await sandbox.Exited.WaitAsync(Ct);

            Assert.Equal(SandboxExitKind.Crashed, exit.Kind);
            Assert.Equal(3, exit.ExitCode);
            Assert.Equal("[2Jgoing down", exit.LogTail);
        }
    }

    [Fact]
    public async Task A_spinning_agent_is_killed_when_its_time_is_used_up()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        var (sandbox, probe) = await fixture.StartProbeAsync(SandboxFixture.Limits with { Duration = TimeSpan.FromSeconds(2) });
        using (probe)
        {
            await probe.TellAsync("spin", Ct);
            var exit = await sandbox.Exited.WaitAsync(Ct);

            Assert.Equal(SandboxExitKind.TimedOut, exit.Kind);
            Assert.Empty(Leftovers.Of(sandbox.Id, fixture.RuntimeDirectory));
        }
    }

    [Fact]
    public async Task Time_spent_waiting_for_an_approval_does_not_count()
    {
        var time = new FakeTimeProvider();
        await using var fixture = await SandboxFixture.CreateAsync(driver, time);
        var (sandbox, probe) = await fixture.StartProbeAsync(SandboxFixture.Limits with { Duration = TimeSpan.FromMinutes(15) });
        using (probe)
        {
            sandbox.SuspendClock();
            time.Advance(TimeSpan.FromHours(2));
            Assert.NotEmpty(await probe.AskAsync("identity", Ct));
            sandbox.ResumeClock();
            time.Advance(TimeSpan.FromMinutes(14));
            Assert.NotEmpty(await probe.AskAsync("identity", Ct));
            time.Advance(TimeSpan.FromMinutes(1));

            Assert.Equal(SandboxExitKind.TimedOut, (await sandbox.Exited.WaitAsync(Ct)).Kind);
        }
    }

    [Fact]
    public async Task An_agent_that_ignores_polite_signals_is_stopped_all_the_same()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            Assert.Equal("ok", await probe.AskOneAsync("ignore-sigterm", Ct));
            Assert.Equal("ok", await probe.AskOneAsync("fork 5", Ct));
            await Task.WhenAll(sandbox.StopAsync(Ct), sandbox.StopAsync(Ct));

            Assert.Equal(SandboxExitKind.Stopped, (await sandbox.Exited).Kind);
            Assert.Empty(Leftovers.Of(sandbox.Id, fixture.RuntimeDirectory));
        }
    }

    [Fact]
    public async Task Many_sandboxes_start_and_stop_at_once()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        var ids = await Task.WhenAll(Enumerable.Range(0, 12).Select(async number =>
        {
            var (sandbox, probe) = await fixture.StartProbeAsync();
            using (probe)
            {
                Assert.NotEmpty(await probe.AskAsync("identity", Ct));
                await (number % 2 == 0 ? sandbox.StopAsync(Ct) : probe.TellAsync("exit 0", Ct));
                Assert.Equal(number % 2 == 0 ? SandboxExitKind.Stopped : SandboxExitKind.Finished, (await sandbox.Exited.WaitAsync(Ct)).Kind);
            }

            return sandbox.Id;
        }));

        Assert.All(ids, id => Assert.Empty(Leftovers.Of(id, fixture.RuntimeDirectory)));
    }

    [Fact]
    public async Task A_sandbox_whose_door_does_not_open_is_refused_and_leaves_nothing()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        fixture.Door.Failure = new IOException("No space left on device.");
        var id = SandboxId.New();

        var refused = Assert.IsType<SandboxStart.Refused>(await fixture.Driver.StartAsync(new(id, SandboxFixture.Limits), Ct));

        Assert.Equal("sandbox_start_failed", refused.Code);
        Assert.Contains("No space left", refused.Sentence, StringComparison.Ordinal);
        Assert.Empty(Leftovers.Of(id, fixture.RuntimeDirectory));
    }

    [Fact]
    public async Task A_sandbox_is_used_once()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        var sandbox = await fixture.StartAsync();

        var again = await fixture.Driver.StartAsync(new(sandbox.Id, SandboxFixture.Limits), Ct);

        Assert.Equal("sandbox_exists", Assert.IsType<SandboxStart.Refused>(again).Code);
        Assert.False(sandbox.Exited.IsCompleted);
        await sandbox.StopAsync(Ct);
    }

    [Fact]
    public async Task An_orderly_end_of_the_bot_ends_its_sandboxes()
    {
        var fixture = await SandboxFixture.CreateAsync(driver);
        await using (fixture)
        {
            var sandbox = await fixture.StartAsync();
            await ((IAsyncDisposable)fixture.Driver).DisposeAsync();

            Assert.Equal(SandboxExitKind.Stopped, (await sandbox.Exited).Kind);
            Assert.Empty(Leftovers.Of(sandbox.Id, fixture.RuntimeDirectory));
            Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(fixture.RuntimeDirectory, "roots")));
        }
    }
}

public sealed class GVisorConformanceTests() : SandboxConformanceTests("gvisor");

public sealed class BubblewrapConformanceTests() : SandboxConformanceTests("bubblewrap");
