using System.Collections.Concurrent;
using System.Globalization;
using IncidentFox.Bot.Tests.Kit;

namespace IncidentFox.Bot.Tests.Sandboxes.Kubernetes.Chaos;

/// <summary>
/// Random faults against bots that share a cluster. <c>make pod-chaos RUNS=1000 SEED=1</c>; run k has the seed SEED + k, so that a single one is run again by
/// <c>make pod-chaos RUNS=1 SEED=…</c>.
/// </summary>
public sealed class PodChaosTests(BotPostgres postgres, ITestOutputHelper output)
{
    private const int Usual = 24;
    private const int PerWorld = 50;

    [Fact]
    public async Task Whatever_fails_no_investigation_is_lost_or_run_twice_and_no_pod_is_left()
    {
        var (runs, seed) = (Setting("POD_CHAOS_RUNS", Usual), Setting("POD_CHAOS_SEED", 1));
        var seeds = new ConcurrentQueue<int>(Enumerable.Range(seed, runs));
        var violations = new ConcurrentQueue<string>();
        var total = new PodChaosTally();
        await Task.WhenAll(Enumerable.Range(0, Math.Min(Setting("POD_CHAOS_WORLDS", 2), runs)).Select(worker => Task.Run(async () =>
        {
            for (var wave = 0; !seeds.IsEmpty && violations.IsEmpty; wave++)
            {
                await using var world = await PodChaosWorld.StartAsync(postgres, $"pod-chaos-{worker}-{wave}");
                for (var done = 0; done < PerWorld && violations.IsEmpty && seeds.TryDequeue(out var next); done++)
                {
                    var plan = PodChaosPlan.Of(next);
                    if (await new PodChaosRun(world, plan).RunAsync() is { Count: > 0 } wrong)
                        violations.Enqueue($"{string.Join('\n', wrong)}\n{plan}\n{world.Tally}\nagain: make pod-chaos RUNS=1 SEED={next}");
                    lock (total)
                        total.Add(world.Tally);
                }
            }
        })));
        output.WriteLine($"{runs} runs from seed {seed}: {total}");
        Assert.True(violations.IsEmpty, string.Join("\n\n", violations));
        Assert.True(total.Kills >= runs && total.ApiFaults >= 3 * runs && total.EventFaults >= runs && total.WatchCuts >= runs, $"Too little went wrong: {total}");
    }

    private static int Setting(string name, int otherwise) =>
#pragma warning disable RS0030 // a test's own switch
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
#pragma warning restore RS0030
}
