using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Core.Storage;
using k8s;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace IncidentFox.Benchmarks.Kubernetes;

/// <summary>The driver in a process of its own, so that its memory can be told from that of the cluster's double. Started by the benchmark, not by people.</summary>
internal static class FollowerProgram
{
    public static Command CreateCommand()
    {
        var command = new Command("follow-pods") { Hidden = true };
        command.SetAction((_, ct) => RunAsync(ct));
        return command;
    }

    /// <summary>Starts it for this cluster and returns its heap's growth in MB: by the watch, and with every pod followed.</summary>
    public static async Task<(double Watch, double All)> MeasureAsync(PodBench world, IReadOnlyList<SandboxSpec> specs, CancellationToken ct)
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [typeof(FollowerProgram).Assembly.Location, "follow-pods"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false,
        })!;
        foreach (var line in (string[])[world.Cluster.Url.AbsoluteUri, world.Cluster.AdminToken, world.BotConnectionString, string.Join(' ', specs.Select(s => s.Id.Value))])
            await process.StandardInput.WriteLineAsync(line.AsMemory(), ct);
        process.StandardInput.Close();
        var said = await process.StandardOutput.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        var figures = said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return process.ExitCode == 0 && figures.Length == 2
            ? (double.Parse(figures[0], CultureInfo.InvariantCulture), double.Parse(figures[1], CultureInfo.InvariantCulture))
            : throw new InvalidOperationException($"The follower ended with {process.ExitCode}: {said}");
    }

    private static async Task RunAsync(CancellationToken ct)
    {
        var (url, token, database) = (Console.ReadLine()!, Console.ReadLine()!, Console.ReadLine()!);
        var sandboxes = Console.ReadLine()!.Split(' ').Select(id => new SandboxId(Guid.Parse(id))).ToArray();
        await using var source = NpgsqlDataSource.Create(database);
        var options = PodBench.NewOptions();
        var client = new k8s.Kubernetes(new KubernetesClientConfiguration { Host = url, AccessToken = token });
        var driver = new KubernetesSandboxDriver(client, options, new SandboxPodStore(new Database(source)), "follower", TimeProvider.System, NullLogger.Instance);
        // What every call needs once is not the pods' doing.
        await driver.World.Api.FindAsync("nobody", ct);
        await driver.World.Pods.OfSandboxAsync(SandboxId.New(), ct);
        var before = Heap();
        if (await driver.OpenAsync(ct) is { } problem)
            throw new InvalidOperationException(problem);
        var uids = new List<string>();
        foreach (var sandbox in sandboxes)
            uids.Add((await driver.World.Pods.OfSandboxAsync(sandbox, ct))!.Uid);
        while (uids.Exists(uid => driver.World.Watch.Find(uid) is null))
            await Task.Delay(100, ct);
        await Task.Delay(TimeSpan.FromSeconds(5), ct);
        Say(Heap() - before);
        var followed = new List<ISandbox>();
        foreach (var sandbox in sandboxes)
            followed.Add(await driver.AdoptAsync(new SandboxSpec(sandbox, options.Limits), ct) ?? throw new InvalidOperationException("A pod was not taken over."));
        await Task.Delay(TimeSpan.FromSeconds(10), ct);
        Say(Heap() - before);
        GC.KeepAlive(followed);
        await driver.DisposeAsync();
    }

    private static void Say(long bytes) => Console.WriteLine((bytes / 1024.0 / 1024.0).ToString(CultureInfo.InvariantCulture));

    private static long Heap()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
