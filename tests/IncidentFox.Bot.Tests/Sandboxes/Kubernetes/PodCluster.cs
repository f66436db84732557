using System.Text.Json.Nodes;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Workbench.Estate.Cluster;
using k8s;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Bot.Tests.Sandboxes.Kubernetes;

/// <summary>A bot's database, a cluster that does what the test says, and the driver between them.</summary>
internal sealed class PodCluster : IAsyncDisposable
{
    public const string Ns = "incidentfox-sandboxes";
    private readonly List<IAsyncDisposable> _drivers = [];

    private PodCluster(TestBot bot, KubernetesCluster cluster) => (Bot, Cluster) = (bot, cluster);

    public TestBot Bot { get; }

    public KubernetesCluster Cluster { get; }

    public PodProgram Program { get; set; } = PodProgram.RunsUntilDeleted;

    public KubernetesSandboxOptions Options { get; } = new() { Image = "registry.example/incidentfox-agent:0.1.0", GatewayAddress = "10.96.0.40:8443" };

    /// <summary>What the bots go by.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    public SandboxPodStore Pods => new(Bot.Database.Bot);

    /// <summary>The gateway's view.</summary>
    public SandboxPodStore GatewayPods => new(Bot.Database.Gateway);

    public static async Task<PodCluster> CreateAsync(BotPostgres postgres)
    {
        PodCluster? world = null;
        var cluster = await KubernetesCluster.StartAsync(new() { Program = _ => world!.Program }, TestBot.Ct);
        world = new PodCluster(await TestBot.CreateAsync(postgres), cluster);
        cluster.Create(Object("v1", "Namespace", "incidentfox-sandboxes", """{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}""", ns: null));
        cluster.Create(Object("v1", "ServiceAccount", "incidentfox-sandbox"));
        cluster.Create(Object("v1", "ConfigMap", "incidentfox-gateway-ca", """{"data":{"ca.crt":"x"}}"""));
        return world;
    }

    public static JsonObject Object(string version, string kind, string name, string more = "{}", string? ns = Ns)
    {
        var o = (JsonObject)JsonNode.Parse(more)!;
        o["apiVersion"] = version;
        o["kind"] = kind;
        o["metadata"] ??= new JsonObject();
        o["metadata"]!["name"] = name;
        if (ns is not null)
            o["metadata"]!["namespace"] = ns;
        return o;
    }

    /// <summary>A driver as a bot has it after its start.</summary>
    public async Task<KubernetesSandboxDriver> DriverAsync()
    {
        var driver = New();
        Assert.Null(await driver.OpenAsync(TestBot.Ct));
        return driver;
    }

    public KubernetesSandboxDriver New()
    {
        var driver = new KubernetesSandboxDriver(Client(), Options, Pods, "bot-" + Guid.NewGuid().ToString("N"), Time, NullLogger.Instance);
        _drivers.Add(driver);
        return driver;
    }

    public IKubernetes Client() => new k8s.Kubernetes(new KubernetesClientConfiguration { Host = Cluster.Url.AbsoluteUri, AccessToken = Cluster.AdminToken });

    /// <summary>A sandbox that an investigation asks for.</summary>
    public async Task<(InvestigationId Investigation, SandboxSpec Spec)> AskAsync()
    {
        var id = await Bot.InvestigateAsync();
        var sandbox = (await Bot.Get<InvestigationStore>().TryStartAsync(id, "kubernetes", TestBot.Ct))!.Value;
        return (id, new SandboxSpec(sandbox, Options.Limits));
    }

    public async Task<(InvestigationId Investigation, SandboxId Id, ISandbox Sandbox)> StartAsync(KubernetesSandboxDriver driver)
    {
        var (id, spec) = await AskAsync();
        return (id, spec.Id, Assert.IsType<SandboxStart.Started>(await driver.StartAsync(spec, TestBot.Ct)).Sandbox);
    }

    public IReadOnlyList<JsonObject> ClusterPods => Cluster.List("Pod", Ns);

    public async ValueTask DisposeAsync()
    {
        foreach (var driver in _drivers)
            await driver.DisposeAsync();
        await Cluster.DisposeAsync();
        await Bot.DisposeAsync();
    }
}
