using System.Diagnostics;
using IncidentFox.Core;

namespace IncidentFox.Bot.Tests.Sandboxes;

public sealed class SandboxReapingTests
{
    private static CancellationToken Ct => SandboxFixture.Ct;

    [Theory]
    [InlineData("gvisor")]
    [InlineData("bubblewrap")]
    [InlineData("none")]
    public async Task Sandboxes_of_a_killed_bot_are_removed_by_the_next_and_those_of_a_living_one_are_not(string driver)
    {
        // The next bot may isolate in another way: it cleans up all the same.
        await using var fixture = await SandboxFixture.CreateAsync("bubblewrap");
        using var owner = StartOwner(driver, fixture);
        var ids = new List<SandboxId>();
        while (await owner.StandardOutput.ReadLineAsync(Ct) is { } line && line != "ready")
        {
            Assert.True(SandboxId.TryParse(line, out var id), line);
            ids.Add(id);
        }

        Assert.Equal(2, ids.Count);
        Assert.Empty(await fixture.Driver.ReapAsync(Ct));
        Assert.All(ids, id => Assert.NotEmpty(Leftovers.Of(id, fixture.RuntimeDirectory)));

        owner.Kill(); // SIGKILL, and only that process
        await owner.WaitForExitAsync(Ct);
        var reaped = await Task.WhenAll(fixture.Driver.ReapAsync(Ct), fixture.Driver.ReapAsync(Ct));

        Assert.Equivalent(ids, reaped.SelectMany(some => some).Distinct());
        Assert.All(ids, id => Assert.Empty(Leftovers.Of(id, fixture.RuntimeDirectory)));
        Assert.Single(Directory.GetDirectories(Path.Combine(fixture.RuntimeDirectory, "roots"))); // our own
        Assert.Empty(await fixture.Driver.ReapAsync(Ct));
    }

    private static Process StartOwner(string driver, SandboxFixture fixture)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "sandbox-owner"), [driver, fixture.RuntimeDirectory, SandboxFixture.ProbePath, "ptrace"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        return Process.Start(start)!;
    }
}
