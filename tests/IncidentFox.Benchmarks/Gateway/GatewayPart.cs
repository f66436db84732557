using System.Diagnostics;
using IncidentFox.Benchmarks.Gateway.Contestants;
using IncidentFox.Benchmarks.Measuring;
using IncidentFox.Benchmarks.Spine;

namespace IncidentFox.Benchmarks.Gateway;

/// <summary>
/// The gateway with everything on, next to proxies that only add the header: same backend, same client, same kind of door, turn by turn in one run, so that what
/// the machine does otherwise hits all of them alike.
/// </summary>
internal sealed class GatewayPart : IPart
{
    private const int Rounds = 5;
    private const int Steady = 500;
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan SteadyTime = TimeSpan.FromSeconds(10);

    public async Task RunAsync(FigureSheet sheet, CancellationToken cancellationToken)
    {
        using var folder = new BenchFolder();
        sheet.Median("disk_fsync_ms", DiskFlush.Measure(folder.Path));
        sheet.Add(new Figure("scrub_mb_per_s", ScrubRate.MegabytesPerSecond(TimeSpan.FromSeconds(2)), "MB/s", 1, IsContext: false));
        var wrk = new Wrk(await UnixDoorLibrary.BuildAsync(folder.Path, cancellationToken), folder.Path);
        await using var backend = await Backend.StartAsync(folder.Path, cancellationToken);
        await using var estate = await GatewayEstate.StartAsync(folder.Path, backend, cancellationToken);
        if (BenchSettings.Profile)
        {
            await WarmUpAsync(wrk, estate.Gateway, cancellationToken);
            FigureSheet.Say($"profile: full load for {BenchSettings.Soak.TotalSeconds} s; meanwhile: perf record -a -g -F 499 -- sleep 10");
            sheet.Add(new Figure("gateway_profiled_rps", await wrk.RunAsync(estate.Gateway.Doors, estate.Gateway.PathOf("1k"), BenchSettings.Soak, cancellationToken), "1/s", 1, IsContext: true));
            return;
        }
        var yarpDoor = Path.Combine(folder.Path, "yarp.sock");
        await using var yarp = new OwnContestant("yarp", folder.Path, ["--socket", yarpDoor, "--backend", $"http://127.0.0.1:{backend.Port}"], Doors.At(yarpDoor), "");
        await using var nginx = new NginxContestant(folder.Path, backend, withAuthRequest: false);
        await using var authRequest = new NginxContestant(folder.Path, backend, withAuthRequest: true);
        await using var mitmproxy = new MitmproxyContestant(folder.Path, backend);
        IReadOnlyList<IContestant> all = [nginx, authRequest, mitmproxy, yarp, estate.Gateway];
        foreach (var contestant in all)
            await WarmUpAsync(wrk, contestant, cancellationToken);
        await ThroughputAsync(sheet, wrk, estate, all, cancellationToken);
        await FewAsync(sheet, wrk, estate, [yarp, mitmproxy], cancellationToken);
        await LatencyAsync(sheet, backend, yarp, estate, cancellationToken);
        await SoakAsync(sheet, wrk, estate, cancellationToken);
    }

    // Until it answers, and then until its code is compiled well and its connections are open.
    private static async Task WarmUpAsync(Wrk wrk, IContestant contestant, CancellationToken ct)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await wrk.RunAsync(contestant.Doors, contestant.PathOf("1k"), TimeSpan.FromSeconds(1), ct);
                break;
            }
            catch (InvalidOperationException e)
            {
                if (attempt == 30)
                    throw new InvalidOperationException($"{contestant.Name} does not answer. It said: {contestant.Tail}", e);
                await Task.Delay(300, ct);
            }
        }
        foreach (var file in new[] { "1k", "64k", "1k" })
            await wrk.RunAsync(contestant.Doors, contestant.PathOf(file), TimeSpan.FromSeconds(contestant is OwnContestant ? 3 : 1), ct);
    }

    private static async Task ThroughputAsync(FigureSheet sheet, Wrk wrk, GatewayEstate estate, IReadOnlyList<IContestant> all, CancellationToken ct)
    {
        FigureSheet.Say($"throughput: {Wrk.Connections} connections, {Rounds} rounds of {Turn.TotalSeconds} s each, in turn");
        var rates = all.ToDictionary(c => c.Name, _ => new List<double>(), StringComparer.Ordinal);
        var rows = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var contestant in all)
            {
                var (before, started) = (await estate.AuditRowsAsync(ct), Stopwatch.GetTimestamp());
                rates[contestant.Name].Add(await wrk.RunAsync(contestant.Doors, contestant.PathOf("1k"), Turn, ct));
                if (contestant != estate.Gateway)
                    continue;
                rows.Add(((await estate.AuditRowsAsync(ct)).Rows - before.Rows) / Stopwatch.GetElapsedTime(started).TotalSeconds);
                await SettleAsync(estate, ct);
            }
        }
        double Median(string name) => Quantile.Of(rates[name], 0.5);
        void Ratio(string other, bool isContext) =>
            sheet.Add(new Figure($"gateway_rps_vs_{other}", RatioOf(rates["gateway"], rates[other]), "x", Rounds, isContext));
        Ratio("yarp", isContext: false);
        Ratio("mitmproxy", isContext: false);
        Ratio("nginx_auth_request", isContext: false);
        Ratio("nginx", isContext: true);
        sheet.Add(new Figure("gateway_audit_rows_per_s", Quantile.Of(rows, 0.5), "1/s", rows.Count, IsContext: false));
        foreach (var contestant in all)
            sheet.Add(new Figure($"{contestant.Name}_1k_rps", Median(contestant.Name), "1/s", Rounds, IsContext: true));
        foreach (var contestant in all)
        {
            var rate = await wrk.RunAsync(contestant.Doors, contestant.PathOf("64k"), Turn, ct);
            sheet.Add(new Figure($"{contestant.Name}_64k_rps", rate, "1/s", 1, IsContext: true));
        }
        await SettleAsync(estate, ct);
    }

    // With few connections the gateway waits for commits more than it works: its rate is then the disk's as much as its own.
    private static async Task FewAsync(FigureSheet sheet, Wrk wrk, GatewayEstate estate, IReadOnlyList<IContestant> others, CancellationToken ct)
    {
        FigureSheet.Say($"few connections: {Wrk.FewConnections}, {Rounds} rounds of {Turn.TotalSeconds} s each, in turn");
        async Task<double> RateAsync(IContestant contestant) => await wrk.RunAsync(contestant.Doors, contestant.PathOf("1k"), Turn, ct, Wrk.FewConnections);
        var ours = new List<double>();
        var theirs = others.ToDictionary(o => o.Name, _ => new List<double>(), StringComparer.Ordinal);
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var other in others)
                theirs[other.Name].Add(await RateAsync(other));
            ours.Add(await RateAsync(estate.Gateway));
            await SettleAsync(estate, ct);
        }
        foreach (var other in others)
            sheet.Add(new Figure($"gateway_rps_vs_{other.Name}_{Wrk.FewConnections}_connections", RatioOf(ours, theirs[other.Name]), "x", Rounds, IsContext: true));
    }

    // Of each round by itself: what the machine does otherwise changes slower than turns do.
    private static double RatioOf(IReadOnlyList<double> ours, IReadOnlyList<double> theirs) => Quantile.Of([.. ours.Zip(theirs, (o, t) => o / t)], 0.5);

    private static async Task LatencyAsync(FigureSheet sheet, Backend backend, OwnContestant yarp, GatewayEstate estate, CancellationToken ct)
    {
        FigureSheet.Say($"latency: {Steady} requests a second, {SteadyTime.TotalSeconds} s each");
        var direct = await SteadyAsync(backend.Direct, "/data/1k", ct);
        var bare = await SteadyAsync(yarp.Doors, yarp.PathOf("1k"), ct);
        await estate.AuditWaitsAsync(ct);
        var gateway = await SteadyAsync(estate.Gateway.Doors, estate.Gateway.PathOf("1k"), ct);
        var waits = await estate.AuditWaitsAsync(ct);
        void Added(string name, IReadOnlyList<double> times, double q, bool isContext) =>
            sheet.Add(new Figure(name, Quantile.Of(times, q) - Quantile.Of(direct, q), "ms", times.Count, isContext));
        Added("gateway_added_p50_ms", gateway, 0.5, isContext: false);
        Added("gateway_added_p99_ms", gateway, 0.99, isContext: false);
        sheet.Quantiles("gateway_audit_wait_p99_ms", waits, 0.99);
        sheet.Quantiles("gateway_audit_wait_p50_ms", waits, 0.5, isContext: true);
        Added("yarp_added_p50_ms", bare, 0.5, isContext: true);
        Added("yarp_added_p99_ms", bare, 0.99, isContext: true);
        sheet.Quantiles("direct_p50_ms", direct, 0.5, isContext: true);
    }

    private static async Task<IReadOnlyList<double>> SteadyAsync(Doors doors, string path, CancellationToken ct)
    {
        using var load = new SteadyLoad(doors, path, Steady);
        await load.RunAsync(TimeSpan.FromSeconds(2), ct);
        return await load.RunAsync(SteadyTime, ct);
    }

    // Growth while it works, not what it takes at its start.
    private static async Task SoakAsync(FigureSheet sheet, Wrk wrk, GatewayEstate estate, CancellationToken ct)
    {
        if (BenchSettings.Soak == TimeSpan.Zero)
            return;
        FigureSheet.Say($"memory: {BenchSettings.Soak.TotalSeconds} s under full load");
        await wrk.RunAsync(estate.Gateway.Doors, estate.Gateway.PathOf("1k"), TimeSpan.FromSeconds(Math.Min(20, BenchSettings.Soak.TotalSeconds)), ct);
        var before = estate.Gateway.ResidentMegabytes;
        await wrk.RunAsync(estate.Gateway.Doors, estate.Gateway.PathOf("1k"), BenchSettings.Soak, ct);
        var after = estate.Gateway.ResidentMegabytes;
        sheet.Add(new Figure("gateway_rss_mb", after - before, "MB", 1, IsContext: false));
        sheet.Add(new Figure("gateway_rss_end_mb", after, "MB", 1, IsContext: true));
        sheet.Add(new Figure("gateway_unsealed_rows", (await estate.AuditRowsAsync(ct)).Unsealed, "rows", 1, IsContext: true));
    }

    // What the gateway has left to do (sealing) must not be paid by the one who comes after it.
    private static async Task SettleAsync(GatewayEstate estate, CancellationToken ct)
    {
        for (var i = 0; i < 100 && (await estate.AuditRowsAsync(ct)).Unsealed > 0; i++)
            await Task.Delay(50, ct);
    }
}
