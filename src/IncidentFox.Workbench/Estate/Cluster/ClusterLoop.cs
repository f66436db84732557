using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>The controllers and the node, stepping together: several times a second in the estate, by hand in tests.</summary>
internal sealed class ClusterLoop : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private readonly ObjectStore _store;
    private readonly TimeProvider _clock;
    private readonly DeploymentController _deployments;
    private readonly ReplicaSetController _replicaSets;
    private readonly EndpointsController _endpoints;
    private readonly EventRecorder _events;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public ClusterLoop(ObjectStore store, IContainerRuntime runtime, TimeProvider clock)
    {
        _store = store;
        _clock = clock;
        _events = new(store, clock);
        _deployments = new(store, _events, clock);
        _replicaSets = new(store, _events, clock);
        _endpoints = new(store, clock);
        Kubelet = new(store, _events, runtime, clock);
    }

    public Kubelet Kubelet { get; }

    public void Start() => _running = RunAsync();

    public void Step()
    {
        // One step at a time and none in the middle of a request: a controller's read and its write belong together.
        lock (_store.Gate)
        {
            _deployments.Reconcile();
            _replicaSets.Reconcile();
            Kubelet.Reconcile();
            _endpoints.Reconcile();
            _events.Expire();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Interval, _clock);
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
