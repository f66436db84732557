using System.Net;
using System.Net.Sockets;
using IncidentFox.Bot.Sandboxes.Conformance;
using IncidentFox.Bot.Sandboxes.Conformance.Clusters;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Workbench.Estate.Cluster;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Bot.Tests.Sandboxes.Conformance;

/// <summary>A cluster whose pods really run, to be checked; a test says what is broken in it.</summary>
internal sealed class CheckedCluster : IAsyncDisposable
{
    private readonly string file = Path.GetTempFileName();

    public Breakage Broken { get; set; }

    public PodProgram? Program { get; set; }

    public KubernetesCluster Cluster { get; private set; } = null!;

    public List<string> Said { get; } = [];

    public Func<IPodJudge, IPodJudge> Judging { get; set; } = judge => judge;

    public string Kubeconfig => file;

    public static async Task<CheckedCluster> CreateAsync()
    {
        var world = new CheckedCluster();
        world.Cluster = await KubernetesCluster.StartAsync(new()
        {
            PodAddress = AgentPod.Addresses(),
            Program = _ => world.Program ?? PodProgram.Runs(start => new AgentPod(start, world.Cluster, LocalConformanceTests.Agent(), world.Broken)),
        }, TestBot.Ct);
        world.Use(world.Cluster.AdminToken);
        return world;
    }

    /// <summary>An address of this machine that is not loopback: pods are elsewhere.</summary>
    public static string OwnAddress()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(IPAddress.Parse("192.0.2.200"), 9);
        return ((IPEndPoint)socket.LocalEndPoint!).Address.ToString();
    }

    public void Use(string token) => File.WriteAllText(file, Cluster.Kubeconfig(token));

    /// <summary>Everything that a check could make or change.</summary>
    public IReadOnlyList<string> Objects() => [.. ((string[])["Namespace", "ServiceAccount", "NetworkPolicy", "ConfigMap", "ResourceQuota", "Pod"])
        .SelectMany(kind => Cluster.List(kind).Where(o => (string?)o["metadata"]!["namespace"] != "shop" || kind != "Pod")
            .Select(o => $"{kind} {o["metadata"]!["namespace"]}/{o["metadata"]!["name"]} {o["metadata"]!["uid"]} {(kind is "Pod" or "ResourceQuota" ? "" : o["metadata"]!["resourceVersion"])}")).Order(StringComparer.Ordinal)];

    public Task<KubernetesConformance> OpenAsync(Func<ClusterToCheck, ClusterToCheck>? change = null)
    {
        var check = new ClusterToCheck { Kubeconfig = file, Listen = OwnAddress() };
        return KubernetesConformance.OpenAsync(change?.Invoke(check) ?? check, Said.Add, Judging, TimeProvider.System, NullLogger.Instance, TestBot.Ct);
    }

    public async Task<IReadOnlyList<CheckResult>> RunAsync(params string[] only)
    {
        await using var conformance = await OpenAsync();
        return await conformance.Only(only).RunAsync(TestBot.Ct).ToListAsync(TestBot.Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await Cluster.DisposeAsync();
        File.Delete(file);
    }
}
