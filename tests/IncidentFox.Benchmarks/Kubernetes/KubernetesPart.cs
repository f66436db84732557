using IncidentFox.Benchmarks.Measuring;
using IncidentFox.Benchmarks.Spine;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Benchmarks.Kubernetes;

/// <summary>What many sandbox pods cost the bot, its database and the cluster's API. The API is the workbench's double in the same process: it has no network between.</summary>
internal sealed class KubernetesPart : IPart
{
    private const int Investigations = 40;
    private const int Claims = 400;
    private const int ClaimsAtOnce = 8;
    private const int Rounds = 20;
    private const int Many = 1_000;
    private const int Most = 2_000;

    public async Task RunAsync(FigureSheet sheet, CancellationToken cancellationToken)
    {
        using var folder = new BenchFolder();
        sheet.Median("disk_flush_p50_ms", DiskFlush.Measure(folder.Path), isContext: true);
        await using var world = await PodBench.StartAsync(cancellationToken);
        await CallsAsync(sheet, world, cancellationToken);
        await ClaimsAsync(sheet, world, cancellationToken);
        await ReconcileAsync(sheet, world, cancellationToken);
        await MemoryAsync(sheet, world, cancellationToken);
    }

    // From the request for a sandbox to a pod that is gone, its agent having finished. The bot's one watch and the reconciler's rounds are shared by all.
    private static async Task CallsAsync(FigureSheet sheet, PodBench world, CancellationToken ct)
    {
        world.Program = PodProgram.Exits(0, TimeSpan.FromMilliseconds(300));
        await using var driver = await world.DriverAsync(ct);
        var specs = await world.SandboxesAsync(Investigations, ct);
        var before = world.Cluster.Requests.Count;
        await Task.WhenAll(specs.Select(async spec =>
        {
            var exit = await Started(await driver.StartAsync(spec, ct)).Exited;
            if (exit.Kind != SandboxExitKind.Finished)
                throw new InvalidOperationException($"A sandbox ended as {exit.Kind} {exit.Fault?.Code}.");
        }));
        var calls = world.Cluster.Requests.Skip(before).Count(r => !r.Query.Contains("watch=true", StringComparison.Ordinal));
        sheet.Add(new Figure("api_calls_per_investigation", (double)calls / Investigations, "calls", Investigations, IsContext: false));
    }

    private static async Task ClaimsAsync(FigureSheet sheet, PodBench world, CancellationToken ct)
    {
        world.Program = PodProgram.RunsUntilDeleted;
        world.Options.WarmPods = 1;
        await using var driver = await world.DriverAsync(ct);
        FigureSheet.Say($"{Claims} waiting pods");
        await world.WarmAsync(driver, Claims, ct);
        var specs = await world.SandboxesAsync(Claims, ct);
        var took = new List<double>();
        await Parallel.ForEachAsync(specs, new ParallelOptions { MaxDegreeOfParallelism = ClaimsAtOnce, CancellationToken = ct }, async (spec, token) =>
        {
            var began = TimeProvider.System.GetTimestamp();
            Started(await driver.StartAsync(spec, token));
            var time = TimeProvider.System.GetElapsedTime(began).TotalMilliseconds;
            lock (took)
                took.Add(time);
        });
        if (world.Cluster.List("Pod", PodBench.Ns).Count != Claims)
            throw new InvalidOperationException("A claim made a pod of its own.");
        sheet.Quantiles("claim_warm_p99_ms", took, 0.99);
        sheet.Median("claim_warm_p50_ms", took, isContext: true);
        world.Options.WarmPods = 0;
        await world.ClearAsync(driver, ct);
    }

    // First a thousand pods in order, which is what a round finds nearly always; then a thousand that are all nobody's.
    private static async Task ReconcileAsync(FigureSheet sheet, PodBench world, CancellationToken ct)
    {
        FigureSheet.Say($"{Many} pods at work");
        var time = new LeapingTime();
        await using var driver = await world.DriverAsync(ct, time);
        var specs = await world.SandboxesAsync(Many, ct);
        await world.PodsAsync(driver, specs, ct);
        var reconciler = new SandboxReconciler(driver, "bench");
        await reconciler.RoundAsync(ct);
        var rounds = new List<double>();
        for (var i = 0; i < Rounds; i++)
        {
            var began = TimeProvider.System.GetTimestamp();
            await reconciler.RoundAsync(ct);
            rounds.Add(TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
        }

        if (world.Cluster.List("Pod", PodBench.Ns).Count != Many)
            throw new InvalidOperationException("A round removed a pod that was in order.");
        sheet.Median("reconcile_1000_pods_ms", rounds);
        await world.EndAllAsync(ct);
        await reconciler.RoundAsync(ct);
        time.Leap(SandboxReconciler.Patience);
        var since = TimeProvider.System.GetTimestamp();
        await reconciler.RoundAsync(ct);
        sheet.Add(new Figure("remove_1000_orphans_ms", TimeProvider.System.GetElapsedTime(since).TotalMilliseconds, "ms", Many, IsContext: true));
        await world.ClearAsync(driver, ct);
    }

    private static async Task MemoryAsync(FigureSheet sheet, PodBench world, CancellationToken ct)
    {
        FigureSheet.Say($"{Most} pods, watched and followed");
        var specs = await world.SandboxesAsync(Most, ct);
        await using (var maker = await world.DriverAsync(ct))
            await world.PodsAsync(maker, specs, ct);
        await world.CageAllAsync(ct);
        var (watch, all) = await FollowerProgram.MeasureAsync(world, specs, ct);
        sheet.Add(new Figure("memory_mb_watch_of_2000_pods", watch, "MB", Most, IsContext: true));
        sheet.Add(new Figure("memory_mb_at_2000_pods", all, "MB", Most, IsContext: false));
    }

    private static ISandbox Started(SandboxStart start) => start is SandboxStart.Started(var sandbox) ? sandbox
        : throw new InvalidOperationException(start is SandboxStart.Refused(var code, var sentence) ? $"{code}: {sentence}" : "Not started.");
}

/// <summary>Goes ahead when told.</summary>
internal sealed class LeapingTime : TimeProvider
{
    private long _ahead;

    public override long TimestampFrequency => System.TimestampFrequency;

    public override long GetTimestamp() => System.GetTimestamp() + Volatile.Read(ref _ahead);

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => System.CreateTimer(callback, state, dueTime, period);

    public void Leap(TimeSpan by) => Interlocked.Add(ref _ahead, (long)(by.TotalSeconds * TimestampFrequency));
}
