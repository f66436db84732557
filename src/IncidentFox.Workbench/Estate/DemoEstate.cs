using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.Estate.Kubernetes;
using IncidentFox.Workbench.Estate.Monitoring;
using IncidentFox.Workbench.Estate.Shop;

namespace IncidentFox.Workbench.Estate;

/// <summary>
/// Something to investigate: a small shop in a Kubernetes API double, with customers, watched by a real Prometheus and
/// Alertmanager, healthy at first and then broken in one way. What it measures is what really happens in it.
/// </summary>
public sealed class DemoEstate : IAsyncDisposable
{
    private static readonly TimeSpan Age = TimeSpan.FromHours(26);
    private readonly Stack<IAsyncDisposable> _parts = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<FaultTruth> _began = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly MovableClock _clock;
    private readonly ObjectStore _store = new();
    private readonly ShopNetwork _network;
    private readonly ShopRuntime _runtime;
    private readonly ClusterLoop _cluster;
    private readonly Authorizer _authorizer = new();
    private readonly KubernetesApi _api;
    private KubernetesServer? _kubernetes;
    private ShopServer? _shop;
    private MonitoringServer? _prometheus;
    private MonitoringServer? _alertmanager;
    private Task _faultTimer = Task.CompletedTask;

    private DemoEstate(DemoEstateOptions options)
    {
        FaultName = DemoFaults.Choose(options.Fault);
        _clock = new(options.TimeProvider);
        _network = new(_store);
        _runtime = new(_network, _clock);
        _cluster = new(_store, _runtime, _clock);
        _api = new(_store, _cluster.Kubelet, new(_store, _clock), _clock, commands: _cluster.Kubelet);
    }

    public Uri KubernetesUrl => _kubernetes!.Url;

    /// <summary>May read workloads, logs and events; never Secrets.</summary>
    public string KubernetesReadToken => _authorizer.ReadToken;

    /// <summary>May also delete pods and change Deployments and their scale.</summary>
    public string KubernetesWriteToken => _authorizer.WriteToken;

    public Uri PrometheusUrl => _prometheus?.Url ?? throw NoMonitoring();

    public BasicCredential PrometheusCredential { get; } = BasicCredential.New("incidentfox");

    public Uri AlertmanagerUrl => _alertmanager?.Url ?? throw NoMonitoring();

    public BasicCredential AlertmanagerCredential { get; } = BasicCredential.New("incidentfox");

    /// <summary>The storefront, as a customer reaches it.</summary>
    public Uri ShopUrl => _shop!.Url;

    /// <summary>The fault chosen; `none` when there is none.</summary>
    public string FaultName { get; private set; }

    /// <summary>What is true since the fault began; null before.</summary>
    public FaultTruth? FaultTruth { get; private set; }

    /// <summary>Ends when a fault has begun.</summary>
    public Task<FaultTruth> FaultBegan => _began.Task;

    /// <summary>Every request the Kubernetes API received, oldest first.</summary>
    public IReadOnlyList<KubernetesRequest> KubernetesRequests => _kubernetes!.Requests.All;

    /// <summary>How often requests really changed the cluster.</summary>
    public ChangeCounters Changes => _api.Counters;

    /// <summary>May do everything: for tests that prepare the cluster.</summary>
    internal string KubernetesAdminToken => _authorizer.AdminToken;

    internal ObjectStore Store => _store;

    internal ShopRuntime Runtime => _runtime;

    /// <summary>Ends when Alertmanager has an alert firing for a service: that is when somebody would ask.</summary>
    public async Task WaitForAlertAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = AlertmanagerUrl };
        var pair = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{AlertmanagerCredential.User}:{AlertmanagerCredential.Password}"));
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", pair);
        while (JsonNode.Parse(await http.GetStringAsync("api/v2/alerts?active=true", cancellationToken)) is not JsonArray { Count: > 0 })
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
        }
    }

    /// <summary>Ends when the cluster shows what the fault does: the pod in trouble restarted or is not ready, or the Deployment has no ready pod.</summary>
    public async Task WaitForSymptomAsync(CancellationToken cancellationToken)
    {
        while (!ShowsSymptom())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }

    /// <summary>The pods of a namespace that are not being deleted, as they are now.</summary>
    public IReadOnlyList<string> PodNames(string ns)
    {
        lock (_store.Gate)
        {
            return [.. _store.List(ResourceTypes.Pods, ns).Where(p => p["metadata"]!["deletionTimestamp"] is null).Select(p => (string)p["metadata"]!["name"]!)];
        }
    }

    public static async Task<DemoEstate> StartAsync(DemoEstateOptions options, CancellationToken cancellationToken = default)
    {
        var estate = new DemoEstate(options);
        try
        {
            await estate.StartPartsAsync(options, cancellationToken);
            return estate;
        }
        catch
        {
            await estate.DisposeAsync();
            throw;
        }
    }

    /// <summary>Breaks the shop now.</summary>
    public Task SeedAsync(string fault)
    {
        var name = DemoFaults.Choose(fault);
        if (name == DemoFaults.None)
        {
            return Task.CompletedTask;
        }

        lock (_store.Gate)
        {
            FaultName = name;
            FaultTruth = DemoFaults.Create(name).Apply(new(_store, _runtime, _clock));
        }

        _began.TrySetResult(FaultTruth);
        return Task.CompletedTask;
    }

    /// <summary>
    /// The next request that matches is carried out, and its answer then held until released or until the connection is
    /// lost: what a caller sees whose network fails at the worst moment.
    /// </summary>
    public Stall StallNext(Func<KubernetesRequest, bool> predicate) => _kubernetes!.Stalls.Next(predicate);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _faultTimer;
        while (_parts.TryPop(out var part))
        {
            await part.DisposeAsync();
        }

        foreach (var process in _runtime.Running)
        {
            process.Stop();
        }

        _network.Dispose();
        _stop.Dispose();
    }

    private bool ShowsSymptom()
    {
        if (FaultTruth is not { Fix.Parameters: var target })
        {
            return false;
        }

        lock (_store.Gate)
        {
            if (target.TryGetValue("pod", out var pod))
            {
                return _store.Get(ResourceTypes.Pods, target["namespace"], pod)?["status"]?["containerStatuses"]?[0] is { } container
                    && ((int?)container["restartCount"] > 0 || (bool?)container["ready"] == false);
            }

            return ((int?)_store.Get(ResourceTypes.Deployments, target["namespace"], target["deployment"])?["status"]?["readyReplicas"] ?? 0) == 0;
        }
    }

    private async Task StartPartsAsync(DemoEstateOptions options, CancellationToken cancellationToken)
    {
        MakePast();
        _shop = await ShopServer.StartAsync(_runtime, _network, _store, options.ShopPort, cancellationToken);
        _parts.Push(_shop);
        _kubernetes = await KubernetesServer.StartAsync(_api, _authorizer, _clock, options.KubernetesPort, cancellationToken);
        _parts.Push(_kubernetes);
        if (options.Monitoring)
        {
            _alertmanager = await Alertmanager.StartAsync(AlertmanagerCredential, options.AlertmanagerPort, options.WorkDirectory, cancellationToken);
            _parts.Push(_alertmanager);
            _prometheus = await Prometheus.StartAsync(
                PrometheusCredential, _shop.Url, _alertmanager.Url, AlertmanagerCredential, options.PrometheusPort, options.WorkDirectory,
                cancellationToken);
            _parts.Push(_prometheus);
        }

        _parts.Push(_cluster);
        _cluster.Start();
        var load = new LoadGenerator(_network, _clock);
        _parts.Push(load);
        load.Start();
        _faultTimer = SeedLaterAsync(options.HealthyFor);
    }

    /// <summary>The shop was deployed yesterday: its objects and logs say so, and its events have expired since.</summary>
    private void MakePast()
    {
        _clock.SetBack(Age);
        ClusterSeed.Fill(_store, _clock);
        for (var elapsed = TimeSpan.Zero; elapsed < TimeSpan.FromSeconds(5); elapsed += TimeSpan.FromMilliseconds(200))
        {
            _cluster.Step();
            _clock.Advance(TimeSpan.FromMilliseconds(200));
        }

        _clock.Now();
        _cluster.Step();
    }

    private async Task SeedLaterAsync(TimeSpan healthyFor)
    {
        try
        {
            await Task.Delay(healthyFor, _clock, _stop.Token);
            if (FaultTruth is null)
            {
                await SeedAsync(FaultName);
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }
    }

    private static InvalidOperationException NoMonitoring() => new("This estate was started without monitoring.");
}
