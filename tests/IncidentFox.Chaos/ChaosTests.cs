using System.Diagnostics;
using System.Globalization;
using IncidentFox.Chaos.Histories;
using IncidentFox.Chaos.World;
using IncidentFox.Core.Audit;

namespace IncidentFox.Chaos;

/// <summary>
/// Randomised histories against real processes. <c>make chaos HISTORIES=2000 SEED=1</c>; history k has the seed SEED + k, so that a single one is run
/// again by <c>make chaos HISTORIES=1 SEED=…</c>.
/// </summary>
public sealed class ChaosTests(TestPostgres postgres, ITestOutputHelper output)
{
    private const int AtOnce = 30;
    private const int PerWorld = 500;

    /// <summary>So many histories must show everything; when chance or a slow machine left something out, as many again, this often.</summary>
    private const int Enough = 60;

    private const int AtMost = 5;

    [Fact]
    public async Task Whatever_is_killed_cut_or_late_an_approval_runs_at_most_once_and_only_with_quorum()
    {
        var wanted = Setting("CHAOS_HISTORIES", Enough);
        var seed = Setting("CHAOS_SEED", Random.Shared.Next(1, 1_000_000_000));
        Say($"seed {seed}, {wanted} histories: make chaos HISTORIES={wanted} SEED={seed}");
        var violations = new List<string>();
        var tally = new Tally();
        for (var from = 0; from < wanted; from += PerWorld)
            await WaveAsync(seed + from, Math.Min(PerWorld, wanted - from), violations, tally);
        // A run in which nothing happened shows nothing.
        for (var again = 1; wanted == Enough && violations.Count == 0 && tally.Missing(wanted) is { } missing && again < AtMost; again++)
        {
            Say($"{missing}: as many histories again");
            await WaveAsync(seed + (again * Enough), Enough, violations, tally);
        }
        Say(tally.ToString());
        Assert.True(violations.Count == 0, string.Join("\n\n", violations.Take(10)));
        if (wanted >= Enough)
            Assert.Null(tally.Missing(wanted));
    }

    private async Task WaveAsync(int seed, int histories, List<string> violations, Tally tally)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var world = await ChaosWorld.StartAsync(postgres, histories, ct);
        var runs = Enumerable.Range(0, histories).Select(k => new HistoryRun(world, HistoryPlan.Of(seed + k), k)).ToArray();
        using var turn = new SemaphoreSlim(AtOnce);
        await Task.WhenAll(runs.Select(async run =>
        {
            await turn.WaitAsync(ct);
            try
            {
                await run.RunAsync(ct);
            }
            finally
            {
                turn.Release();
            }
        }));
        await SettleAsync(world, ct);
        foreach (var run in runs)
        {
            var facts = await run.FactsAsync();
            tally.Add(run.Plan, facts);
            if (Verdict.Of(facts) is { Count: > 0 } broken)
                violations.Add($"{string.Join('\n', broken)}\n{run.Plan}\n{Describe(facts)}\nagain: make chaos HISTORIES=1 SEED={run.Plan.Seed}");
            run.Dispose();
        }
        tally.Kills += world.Processes.Sum(p => p.Kills);
        if (violations.Count > 0)
            Say(world.Logs);
        var chain = await new AuditVerifier(world.Database.Owner, world.Database.SharedCipher).VerifyAsync(ct);
        if (!chain.Holds || chain.Unsealed > 0)
            violations.Add($"The audit chain: {chain.Unsealed} not sealed; {string.Join("; ", chain.Problems)}");
        tally.Links += chain.Links;
    }

    // No more faults; an hour later everything must have come to its end, and every audit row be sealed.
    private static async Task SettleAsync(ChaosWorld world, CancellationToken ct)
    {
        await world.SkewAsync(TimeSpan.Zero, TimeSpan.Zero);
        await Task.WhenAll(world.Processes.Select(p => p.UpAsync()));
        await UntilAsync(world, "select count(*) from app.approvals where status in ('approved', 'executing')", ct);
        await world.Database.ShiftClockAsync(TimeSpan.FromHours(1));
        await UntilAsync(world, "select count(*) from app.approvals where status in ('pending', 'approved', 'executing')", ct);
        await UntilAsync(world, "select count(*) from app.audit_unsealed", ct);
    }

    // What is still there after that is a violation, and is said as one.
    private static async Task UntilAsync(ChaosWorld world, string count, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        while ((await world.Database.QueryAsync<long>(count)).Single() > 0 && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60))
            await Task.Delay(100, ct);
    }

    private static string Describe(HistoryFacts facts) =>
        $"  it is {facts.State}; {facts.Arrivals} arrivals, {facts.Effects} effects\n"
        + $"  clicks: {string.Join(", ", facts.Clicks.Select(c => $"{c.Person} {c.Act} -> {c.Status?.ToString(CultureInfo.InvariantCulture) ?? "-"} '{c.Told}'"))}\n"
        + $"  changes: {string.Join(", ", facts.Changes.Select(c => $"{c.What} ({c.Xid})"))}\n"
        + $"  audit: {string.Join(", ", facts.Audit.Select(a => $"{a.Type} {a.Status} {a.Purpose} ({a.Xid})"))}";

    private void Say(string text)
    {
        output.WriteLine(text);
        Console.Error.WriteLine(text);
    }

    private static int Setting(string name, int otherwise)
    {
#pragma warning disable RS0030 // Not the product's configuration: make chaos says what to run.
        return Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
#pragma warning restore RS0030
    }
}
