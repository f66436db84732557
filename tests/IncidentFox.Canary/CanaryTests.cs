using System.Globalization;
using System.Text.RegularExpressions;
using IncidentFox.Core;
using IncidentFox.EndToEnd.Kit;
using IncidentFox.TestKit;

namespace IncidentFox.Canary;

/// <summary>
/// The proof that no sandbox holds a secret: investigations with random secrets in every source against targets that quote them in every spelling; then the
/// agents look through all they can see, and we through all that was kept. <c>CANARY_INVESTIGATIONS</c> says how many.
/// </summary>
public sealed partial class CanaryTests(TestPostgres postgres)
{
    private const int AtOnce = 6;
    private const int PerWorld = 25;

    [Fact]
    public async Task No_secret_of_any_source_is_in_a_sandbox_the_database_the_log_or_the_audit_trail()
    {
#pragma warning disable RS0030 // Not the product's configuration: make canary says how many.
        var wanted = int.Parse(Environment.GetEnvironmentVariable("CANARY_INVESTIGATIONS") is { Length: > 0 } n ? n : "25", CultureInfo.InvariantCulture);
#pragma warning restore RS0030
        for (var left = wanted; left > 0; left -= PerWorld)
            await ProveAsync("bubblewrap", Math.Min(left, PerWorld));
    }

    [Fact]
    public async Task Nor_in_one_of_gvisors() => await ProveAsync("gvisor", 4);

    private async Task ProveAsync(string driver, int count)
    {
        await using var world = await CanaryWorld.StartAsync(postgres, driver);
        using var turn = new SemaphoreSlim(AtOnce);
        var investigations = await Task.WhenAll(Enumerable.Range(0, count).Select(async _ =>
        {
            await turn.WaitAsync(TestContext.Current.CancellationToken);
            try
            {
                return await world.InvestigateAsync();
            }
            finally
            {
                turn.Release();
            }
        }));
        foreach (var (_, said) in investigations)
        {
            var m = Said().Match(said);
            Assert.True(m.Success, said);
            // Everything was looked for in megabytes, and the one thing that is there on purpose was found where it must be: in an answer, in memory.
            Assert.Equal(1 + (world.Secrets.Count * 6), Number(m, "needles"));
            Assert.True(Number(m, "scanned") > 1_000_000, said);
            Assert.True(Number(m, "bytes") > 10_000, said);
            var found = m.Groups["found"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries);
            Assert.Contains("memory:0", found);
            Assert.Contains("/tmp/answers:0", found);
            Assert.All(found, f => Assert.EndsWith(":0", f, StringComparison.Ordinal));
        }
        // The targets really knew the secrets and told them.
        Assert.True(world.Reflected >= count * 10, $"{world.Reflected} answers quoted a credential");
        await NothingKeptAsync(world, investigations.Select(i => i.Investigation).ToList());
    }

    private static async Task NothingKeptAsync(CanaryWorld world, IReadOnlyList<InvestigationId> investigations)
    {
        var kept = await world.KeptAsync(investigations);
        // Each of them was really looked at, and a search for what is there finds it.
        Assert.NotNull(new SecretForms("tool", "read_vault").FoundIn(kept["database"]));
        Assert.NotNull(new SecretForms("tool", "pod_restart").FoundIn(kept["audit"]));
        Assert.NotNull(new SecretForms("words", "scanned").FoundIn(kept["agents' words"]));
        Assert.NotNull(new SecretForms("path", "planted-in-the-log").FoundIn(kept["log"]));
        foreach (var (place, text) in kept)
        {
            foreach (var (name, secret) in world.Secrets)
                Assert.True(new SecretForms(name, secret).FoundIn(text) is null, $"{name} is in the {place}");
            Assert.True(new SecretForms("planted", world.Planted).FoundIn(text) is null, $"a target's answer is in the {place}");
        }
    }

    private static long Number(Match match, string name) => long.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("needles=(?<needles>[0-9]+) answers=(?<answers>[0-9]+) bytes=(?<bytes>[0-9]+) scanned (?<scanned>[0-9]+) found=(?<found>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Said();
}
