using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Conformance;
using IncidentFox.Bot.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Bot.Tests.Sandboxes.Conformance;

/// <summary>The suite with the real agent in this machine's own sandboxes.</summary>
public sealed class LocalConformanceTests
{
    [Theory]
    [InlineData("gvisor")]
    [InlineData("bubblewrap")]
    public async Task Every_check_holds_in_what_isolates(string driver)
    {
        var results = await RunAsync(driver);
        Assert.All(results, r => Assert.True(r.Outcome == CheckOutcome.Ok || r is { Check: "cpu held", Outcome: CheckOutcome.NotPossible }, $"{r.Check}: {r.Outcome}: {r.Detail}"));
        Assert.Equal(ConformanceSuite.Checks.Select(c => c.Name), results.Select(r => r.Check));
    }

    [Fact]
    public async Task Without_isolation_the_checks_of_the_isolation_fail_and_only_limits_hold()
    {
        try
        {
            var results = await RunAsync("none");
            foreach (var check in (string[])["caged", "non-root", "read-only", "disk held", "stolen token refused"])
                Assert.Equal(CheckOutcome.Failed, results.Single(r => r.Check == check).Outcome);
            foreach (var check in (string[])["memory held", "pids held", "deadline kills", "nothing left"])
                Assert.Equal(CheckOutcome.Ok, results.Single(r => r.Check == check).Outcome);
        }
        finally
        {
            File.Delete("/tmp/incidentfox-check");
        }
    }

    [Fact]
    public async Task A_machine_that_can_not_isolate_is_told_so_and_nothing_of_the_try_is_left()
    {
        var before = Directory.GetDirectories(Path.GetTempPath(), "ifxcheck*");
        var failure = await Assert.ThrowsAsync<CannotCheckException>(() => LocalConformance.OpenAsync(
            new LocalSandboxOptions { AgentPath = "/nowhere/agent" }, "bubblewrap", TimeProvider.System, NullLogger.Instance, TestBot.Ct));
        Assert.Contains("there is no file /nowhere/agent", failure.Message, StringComparison.Ordinal);
        // Other tests on this machine make such folders, too, and remove them.
        await Eventually.TrueAsync(() => !Directory.GetDirectories(Path.GetTempPath(), "ifxcheck*").Except(before).Any(), "nothing left of the try");
    }

    [Fact]
    public async Task Stopping_it_ends_what_it_started()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestBot.Ct);
        await using var conformance = await OpenAsync("bubblewrap");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var result in conformance.Suite.RunAsync(stop.Token))
            {
                // In the middle of the next one, whose sandbox would run for minutes.
                if (result.Check == "disk held")
                    stop.CancelAfter(TimeSpan.FromMilliseconds(300));
            }
        });
        Assert.Empty(conformance.Remains());
    }

    public static string Agent()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "IncidentFox.Bot.sln")))
                return Path.Combine(folder.FullName, "artifacts", "agent", "incidentfox-agent");
        }
        throw new InvalidOperationException("The tests run inside the repository.");
    }

    private static Task<LocalConformance> OpenAsync(string driver) =>
        LocalConformance.OpenAsync(new LocalSandboxOptions { AgentPath = Agent(), GVisorPlatform = "ptrace" }, driver, TimeProvider.System, NullLogger.Instance, TestBot.Ct);

    private static async Task<IReadOnlyList<CheckResult>> RunAsync(string driver)
    {
        await using var conformance = await OpenAsync(driver);
        return await conformance.Suite.RunAsync(TestBot.Ct).ToListAsync(TestBot.Ct);
    }
}
