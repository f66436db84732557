using System.Diagnostics;
using IncidentFox.Bot.Sandboxes.Local;
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

    [Fact]
    public async Task A_process_number_that_was_given_to_somebody_else_is_not_killed()
    {
        await using var fixture = await SandboxFixture.CreateAsync("bubblewrap");
        using var bystander = Process.Start("sleep", "600");
        using var leftover = Process.Start("sleep", "600");
        var identity = ProcessIdentity.Of(bystander.Id)!;
        var stranger = WriteRecord(fixture, identity with { StartTicks = identity.StartTicks - 1 });
        var older = WriteRecord(fixture, identity with { Boot = "another boot" });
        var real = WriteRecord(fixture, ProcessIdentity.Of(leftover.Id));

        Assert.Equivalent(new[] { stranger, older, real }, await fixture.Driver.ReapAsync(Ct));

        await leftover.WaitForExitAsync(Ct);
        Assert.False(bystander.HasExited);
        bystander.Kill();
    }

    [Fact]
    public async Task A_record_that_was_being_written_when_its_owner_was_killed_is_removed_and_one_of_a_living_owner_is_not()
    {
        await using var fixture = await SandboxFixture.CreateAsync("bubblewrap");
        var folder = Path.Combine(fixture.RuntimeDirectory, "sandboxes");
        var dead = Path.Combine(folder, "0011223344556677.1-1-an-old-boot.new");
        var alive = Path.Combine(folder, $"0011223344556677.{ProcessIdentity.Own.FileName}.new");
        await File.WriteAllTextAsync(dead, "{\"Id\":", Ct);
        await File.WriteAllTextAsync(alive, "{\"Id\":", Ct);

        Assert.Empty(await fixture.Driver.ReapAsync(Ct));

        Assert.False(File.Exists(dead));
        Assert.True(File.Exists(alive));
    }

    private static SandboxId WriteRecord(SandboxFixture fixture, ProcessIdentity? process)
    {
        var id = SandboxId.New();
        var dead = new ProcessIdentity(1, 1, "an old boot");
        new SandboxRecord(id.ToString(), dead, process, [], null).Write(new(fixture.RuntimeDirectory, id));
        return id;
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
