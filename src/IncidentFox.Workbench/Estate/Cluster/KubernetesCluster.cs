using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster.RealPods;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

public sealed class KubernetesClusterOptions
{
    /// <summary>What the cluster goes by: tokens, deadlines, leases.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>0 for any free one.</summary>
    public int Port { get; init; }

    /// <summary>HTTPS, with a certificate that <see cref="KubernetesCluster.Kubeconfig"/> names. kubectl sends no token without.</summary>
    public bool Https { get; init; }

    /// <summary>What each new pod does; asked when it is scheduled and again when it starts.</summary>
    public Func<PodStart, PodProgram> Program { get; init; } = _ => PodProgram.RunsUntilDeleted;

    public NodeTiming Timing { get; init; } = NodeTiming.Quick;

    /// <summary>Pods of these images really run on this machine; null: all are played.</summary>
    public RealPodOptions? RealPods { get; init; }

    /// <summary>How often, in real time, the controllers and the node take a step; null for by hand, with <see cref="KubernetesCluster.Step"/>.</summary>
    public TimeSpan? StepEvery { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The RuntimeClasses that exist.</summary>
    public IReadOnlyList<string> RuntimeClasses { get; init; } = ["gvisor"];

    /// <summary>The address of the n-th pod, where the test lets somebody connect from it; null for those of no network.</summary>
    public Func<int, string>? PodAddress { get; init; }

    /// <summary>How many writes a watch can look back.</summary>
    public int History { get; init; } = 20_000;
}

/// <summary>
/// A small cluster for tests: a strict double of the Kubernetes API, RBAC, admission and tokens included, and one node whose pods do
/// what a program says.
/// </summary>
public sealed class KubernetesCluster : IAsyncDisposable
{
    private static readonly Identity Admin = new("admin", [Grant.OfPaths("/*"), new(["*"], ["*"], ["*"])]);
    private readonly ObjectStore _store;
    private readonly TimeProvider _clock;
    private readonly TokenAuthority _tokens;
    private readonly Authorizer _authorizer;
    private readonly KubernetesApi _api;
    private readonly EventRecorder _events;
    private readonly PodRunner _node;
    private readonly DeploymentController _deployments;
    private readonly ReplicaSetController _replicaSets;
    private readonly HouseKeeping _houseKeeping;
    private readonly CancellationTokenSource _stop = new();
    private readonly X509Certificate2? _certificate;
    private KubernetesServer? _server;
    private Task _stepping = Task.CompletedTask;

    private KubernetesCluster(KubernetesClusterOptions options, RealKubelet? kubelet)
    {
        Kubelet = kubelet;
        kubelet?.Join(this);
        _clock = options.TimeProvider;
        _certificate = options.Https ? LoopbackCertificate.Create() : null;
        _store = new(options.History);
        _tokens = new(_store, _clock);
        _authorizer = new(_tokens, _store);
        _events = new(_store, _clock);
        _node = kubelet is null ? new(_store, _events, options.Program, options.Timing, _clock, options.PodAddress)
            : new(_store, _events, start => kubelet.ProgramOf(start) ?? options.Program(start), options.Timing, _clock, kubelet.AddressOf);
        _deployments = new(_store, _events, _clock);
        _houseKeeping = new(_store, _clock);
        _api = new(_store, _node, _tokens, _clock, Faults);
        _replicaSets = new(_store, _events, _clock, new(_store, _clock, new()));
    }

    public Uri Url => _server!.Url;

    /// <summary>The certificate to trust, PEM; null over plain HTTP.</summary>
    public string? CertificateAuthority => _certificate?.ExportCertificatePem();

    /// <summary>May do everything.</summary>
    public string AdminToken => _authorizer.AdminToken;

    /// <summary>What really runs pods; null where all are played.</summary>
    public RealKubelet? Kubelet { get; }

    /// <summary>What goes wrong.</summary>
    public ApiFaults Faults { get; } = new();

    /// <summary>Every request received over HTTP, oldest first.</summary>
    public IReadOnlyList<KubernetesRequest> Requests => _server!.Requests.All;

    /// <summary>
    /// The node says nothing any more, as when its kubelet is gone and the cluster has noticed: its pods are not ready, nothing of them changes, and one that is
    /// deleted stays until it is removed by force. What ran is taken for still running when the node is back.
    /// </summary>
    public bool NodeIsDown { get; set; }

    internal KubernetesApi Api => _api;

    internal ObjectStore Store => _store;

    internal Identity Authenticate(string token) => _authorizer.Authenticate($"Bearer {token}");

    public static async Task<KubernetesCluster> StartAsync(KubernetesClusterOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        var cluster = new KubernetesCluster(options, options.RealPods is { } real ? await RealKubelet.StartAsync(real, options.TimeProvider) : null);
        cluster.Fill(options);
        cluster._server = await KubernetesServer.StartAsync(cluster._api, cluster._authorizer, cluster._clock, options.Port, cancellationToken, cluster.Faults, cluster._certificate);
        if (options.StepEvery is { } interval)
        {
            cluster._stepping = cluster.StepAsync(interval);
        }

        return cluster;
    }

    /// <summary>A kubeconfig for this cluster and a token.</summary>
    public string Kubeconfig(string token, string ns = "default") => $"""
        apiVersion: v1
        kind: Config
        clusters:
        - name: double
          cluster:
            server: {Url.GetLeftPart(UriPartial.Authority)}{Authority()}
        users:
        - name: user
          user:
            token: {token}
        contexts:
        - name: double
          context:
            cluster: double
            user: user
            namespace: {ns}
        current-context: double
        """;

    /// <summary>Lets the controllers and the node take one step: each pod moves on by one visible state at most.</summary>
    public void Step()
    {
        lock (_store.Gate)
        {
            _deployments.Reconcile();
            _replicaSets.Reconcile();
            if (NodeIsDown)
            {
                _node.LoseContact();
            }
            else
            {
                _node.Reconcile();
            }

            _houseKeeping.Reconcile();
            _events.Expire();
        }
    }

    /// <summary>Creates an object as an admin, through validation and admission.</summary>
    /// <exception cref="InvalidOperationException">It was refused; the message is the API's.</exception>
    public JsonObject Create(JsonObject manifest)
    {
        var type = ResourceTypes.All.First(t => t.Kind == manifest.Text("kind") && t.ApiVersion == manifest.Text("apiVersion"));
        var prefix = type.Group.Length == 0 ? "/api/v1" : $"/apis/{type.ApiVersion}";
        var path = type.Namespaced ? $"{prefix}/namespaces/{(manifest.Namespace().Length > 0 ? manifest.Namespace() : "default")}/{type.Plural}" : $"{prefix}/{type.Plural}";
        return Ask("POST", path, manifest);
    }

    /// <summary>Deletes as an admin, at once.</summary>
    public void Delete(string kind, string ns, string name)
    {
        var type = OfKind(kind);
        var prefix = type.Group.Length == 0 ? "/api/v1" : $"/apis/{type.ApiVersion}";
        Ask("DELETE", $"{prefix}/{(type.Namespaced ? $"namespaces/{ns}/" : "")}{type.Plural}/{name}?gracePeriodSeconds=0", body: null);
    }

    /// <summary>A copy of an object as it is now.</summary>
    public JsonObject? Find(string kind, string ns, string name) => _store.Get(OfKind(kind), ns, name)?.Copy();

    /// <summary>Copies of all objects of a kind, of every namespace when none is named.</summary>
    public IReadOnlyList<JsonObject> List(string kind, string ns = "") => [.. _store.List(OfKind(kind), ns).Select(o => o.Copy())];

    /// <summary>The token that a pod finds in its projected volume; null when it mounts none for that audience.</summary>
    public string? PodToken(string ns, string name, string audience)
    {
        var pod = _store.Get(ResourceTypes.Pods, ns, name) ?? throw new InvalidOperationException($"There is no pod {ns}/{name}.");
        var source = pod.Objects("spec", "volumes").SelectMany(v => v.Objects("projected", "sources")).Select(s => s["serviceAccountToken"]).FirstOrDefault(t => t.Text("audience") == audience);
        return source is null ? null : _tokens.Issue(Account(ns, pod.Text("spec", "serviceAccountName")!), [audience], TimeSpan.FromSeconds(source.Number("expirationSeconds") ?? 3600), pod);
    }

    /// <summary>A token of a service account, bound to no pod; for the API itself unless an audience is named.</summary>
    public string AccountToken(string ns, string account, string? audience = null) =>
        _tokens.Issue(Account(ns, account), [audience ?? TokenAuthority.Issuer], TimeSpan.FromHours(1), pod: null);

    /// <summary>What a pod has written so far.</summary>
    internal string LogOf(string podUid) => string.Join('\n', (_node.Find(podUid, "", previous: false)?.Lines() ?? []).Select(l => l.Text));

    /// <summary>Forgets the past, as etcd does every few minutes: versions from before are 410 Gone from now on.</summary>
    public void Compact() => _store.Compact();

    /// <summary>The next request that matches is carried out, and its answer held until released.</summary>
    public Stall StallNext(Func<KubernetesRequest, bool> predicate) => _server!.Stalls.Next(predicate);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _stepping;
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _node.StopAll();
        if (Kubelet is not null)
        {
            await Kubelet.DisposeAsync();
        }

        _certificate?.Dispose();
        _stop.Dispose();
    }

    private string Authority() => _certificate is null ? ""
        : $"\n    certificate-authority-data: {Convert.ToBase64String(Encoding.ASCII.GetBytes(CertificateAuthority!))}";

    private JsonObject Account(string ns, string name) =>
        _store.Get(ResourceTypes.ServiceAccounts, ns, name) ?? throw new InvalidOperationException($"There is no service account {ns}/{name}.");

    private static ResourceType OfKind(string kind) => ResourceTypes.All.First(t => t.Kind == kind);

    private JsonObject Ask(string method, string target, JsonObject? body)
    {
        var parts = target.Split('?', 2);
        var answer = _api.Answer(new(
            method, parts[0], parts.ElementAtOrDefault(1) ?? "", "application/json", "application/json", body is null ? [] : Encoding.UTF8.GetBytes(body.ToJsonString()), Admin));
        var json = (JsonObject)JsonNode.Parse(answer.Content)!;
        return answer.Status < 300 ? json : throw new InvalidOperationException(json.Text("message"));
    }

    private void Fill(KubernetesClusterOptions options)
    {
        _store.Create(ResourceTypes.Nodes, ClusterSeed.Node(_clock.GetUtcNow()), _clock.GetUtcNow());
        foreach (var ns in (string[])["default", "kube-system"])
        {
            Create(new() { ["kind"] = "Namespace", ["apiVersion"] = "v1", ["metadata"] = new JsonObject { ["name"] = ns } });
        }

        foreach (var name in options.RuntimeClasses)
        {
            Create(new() { ["kind"] = "RuntimeClass", ["apiVersion"] = "node.k8s.io/v1", ["metadata"] = OfRuntimeClass(name), ["handler"] = name });
        }
    }

    private JsonObject OfRuntimeClass(string name)
    {
        var metadata = new JsonObject { ["name"] = name };
        if (Kubelet?.Simulated is { Count: > 0 } played)
        {
            metadata["annotations"] = new JsonObject { [RealKubelet.SimulatesAnnotation] = string.Join(',', played) };
        }

        return metadata;
    }

    private async Task StepAsync(TimeSpan interval)
    {
        // In real time even where the cluster's clock is set by hand: a step looks at that clock, it does not wait for it.
        using var timer = new PeriodicTimer(interval);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                Step();
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }
    }
}
