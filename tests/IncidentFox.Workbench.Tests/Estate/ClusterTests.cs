using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>The controllers and the node, stepped by hand on a fake clock, with scripted containers.</summary>
public sealed class ClusterTests
{
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.Parse("2026-11-22T13:30:00Z"));
    private readonly ObjectStore _store = new();
    private readonly ScriptedRuntime _runtime = new();
    private readonly ClusterLoop _cluster;

    public ClusterTests()
    {
        ClusterSeed.Fill(_store, _clock);
        _cluster = new(_store, _runtime, _clock);
        Run(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void The_seeded_shop_becomes_ready()
    {
        Assert.All(_store.List(ResourceTypes.Deployments), d => Assert.Equal(2, d.Number("status", "availableReplicas")));
        Assert.Equal(2, EndpointsController.ReadyPods(_store, "shop", "checkout").Count);
    }

    [Fact]
    public void A_deleted_pod_is_replaced_by_one_that_goes_through_the_states_of_a_start()
    {
        var before = Pods("checkout").ToDictionary(p => p.Name(), StringComparer.Ordinal);
        var phases = new List<string>();

        Delete(before.Values.First());
        for (var i = 0; i < 30; i++)
        {
            Run(TimeSpan.FromMilliseconds(100));
            var fresh = Pods("checkout").FirstOrDefault(p => !before.ContainsKey(p.Name()));
            phases.Add(fresh is null ? "none" : $"{fresh.Text("status", "phase")}/{fresh.Objects("status", "containerStatuses").FirstOrDefault().Text("state", "waiting", "reason")}/{Conditions.IsTrue(fresh, "Ready")}");
        }

        Assert.Equal(["Pending/ContainerCreating/False", "Running//False", "Running//True"], phases.Distinct().Where(p => p is not ("none" or "Pending//False")));
        Assert.Equal(2, Pods("checkout").Count);
        Assert.DoesNotContain(Pods("checkout"), p => p.Name() == before.Values.First().Name());
        Assert.Contains(Events("Killing"), e => e.Text("involvedObject", "name") == before.Values.First().Name());
    }

    [Fact]
    public void A_terminating_pod_leaves_the_endpoints_at_once()
    {
        var pod = Pods("checkout").First();

        Delete(pod);
        _cluster.Step();

        Assert.DoesNotContain(pod.Name(), EndpointsController.ReadyPods(_store, "shop", "checkout"));
        Assert.NotNull(_store.Get(ResourceTypes.Pods, "shop", pod.Name())); // still ending
    }

    [Fact]
    public void A_container_that_keeps_being_killed_backs_off_longer_each_time_and_keeps_its_volume()
    {
        var pod = Pods("checkout").First();
        var volume = _runtime.Starts.Last(s => s.PodName == pod.Name()).Volume;
        _runtime.KillAfter[pod.Name()] = TimeSpan.FromSeconds(2);
        var states = new List<string>();
        for (var i = 0; i < 600; i++)
        {
            Run(TimeSpan.FromMilliseconds(100));
            var status = Get(pod).Objects("status", "containerStatuses").Single();
            states.Add(status.Text("state", "waiting", "message")?.Split(' ')[1] ?? status.Text("state", "terminated", "reason") ?? "Running");
        }

        var seen = states.Where((s, i) => i == 0 || states[i - 1] != s).ToList();
        Assert.Equal(["OOMKilled", "Running", "OOMKilled", "10s", "Running", "OOMKilled", "20s", "Running", "OOMKilled"], seen.Take(9));
        var last = Get(pod).Objects("status", "containerStatuses").Single();
        Assert.Equal("OOMKilled", last.Text("lastState", "terminated", "reason"));
        Assert.Equal(137, last.Number("lastState", "terminated", "exitCode"));
        Assert.All(_runtime.Starts.Where(s => s.PodName == pod.Name()), s => Assert.Same(volume, s.Volume));
        Assert.Contains(Events("BackOff"), e => e.Number("count") > 1);
    }

    [Fact]
    public void A_pod_whose_probe_fails_three_times_leaves_the_endpoints_and_returns_with_the_first_success()
    {
        var pod = Pods("payments").First();
        _runtime.ProbeFailure[pod.Name()] = "HTTP probe failed with statuscode: 503";

        Run(TimeSpan.FromSeconds(2));
        Assert.Contains(pod.Name(), EndpointsController.ReadyPods(_store, "shop", "payments"));
        Run(TimeSpan.FromSeconds(2));
        Assert.DoesNotContain(pod.Name(), EndpointsController.ReadyPods(_store, "shop", "payments"));
        Assert.Equal("Running", Get(pod).Text("status", "phase"));
        Assert.Contains(Events("Unhealthy"), e => e.Text("message") == "Readiness probe failed: HTTP probe failed with statuscode: 503" && e.Number("count") >= 3);

        _runtime.ProbeFailure.Remove(pod.Name());
        Run(TimeSpan.FromSeconds(2));
        Assert.Contains(pod.Name(), EndpointsController.ReadyPods(_store, "shop", "payments"));
    }

    [Fact]
    public void Scaling_removes_and_adds_pods_and_says_so_in_events()
    {
        Change("payments", d => d.Child("spec")["replicas"] = 0);
        Run(TimeSpan.FromSeconds(3));

        Assert.Empty(Pods("payments"));
        Assert.Null(_store.Get(ResourceTypes.Endpoints, "shop", "payments")!["subsets"]);
        var slice = _store.List(ResourceTypes.EndpointSlices).Single(s => s.Text("metadata", "labels", "kubernetes.io/service-name") == "payments");
        Assert.True(slice.ContainsKey("endpoints") && slice["endpoints"] is null); // null, not an empty list
        Assert.Contains(Events("ScalingReplicaSet"), e => e.Text("message")!.EndsWith("from 2 to 0", StringComparison.Ordinal));

        Change("payments", d => d.Child("spec")["replicas"] = 3);
        Run(TimeSpan.FromSeconds(4));
        Assert.Equal(3, EndpointsController.ReadyPods(_store, "shop", "payments").Count);
    }

    [Fact]
    public void A_rollout_that_cannot_pull_keeps_the_old_pods_when_its_strategy_says_so()
    {
        _runtime.Missing = "registry.example/shop/checkout:9.9.9";
        Change("checkout", d => d.Objects("spec", "template", "spec", "containers").Single()["image"] = _runtime.Missing);
        Run(TimeSpan.FromSeconds(10));

        Assert.Equal(2, EndpointsController.ReadyPods(_store, "shop", "checkout").Count);
        var stuck = Pods("checkout").Single(p => p.Text("status", "phase") == "Pending");
        Assert.Contains(stuck.Objects("status", "containerStatuses").Single().Text("state", "waiting", "reason"), new[] { "ErrImagePull", "ImagePullBackOff" });
        Assert.Equal("2", _store.Get(ResourceTypes.Deployments, "shop", "checkout").Text("metadata", "annotations", "deployment.kubernetes.io/revision"));

        // Rolled back: the old ReplicaSet serves under a new revision, the stuck pod goes.
        Change("checkout", d => d.Objects("spec", "template", "spec", "containers").Single()["image"] = "registry.example/shop/checkout:1.8.0");
        Run(TimeSpan.FromSeconds(5));
        Assert.Equal(2, Pods("checkout").Count);
        Assert.Equal("3", _store.Get(ResourceTypes.Deployments, "shop", "checkout").Text("metadata", "annotations", "deployment.kubernetes.io/revision"));
    }

    [Fact]
    public void A_cluster_at_rest_writes_nothing()
    {
        var version = _store.Version;

        Run(TimeSpan.FromSeconds(20));

        Assert.Equal(version, _store.Version);
    }

    [Fact]
    public void Events_expire_after_an_hour()
    {
        Assert.NotEmpty(_store.List(ResourceTypes.Events));

        _clock.Advance(TimeSpan.FromMinutes(61));
        _cluster.Step();

        Assert.Empty(_store.List(ResourceTypes.Events));
    }

    private void Run(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromMilliseconds(100))
        {
            _cluster.Step();
            _clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        _cluster.Step();
    }

    private List<JsonObject> Pods(string app) => [.. _store.List(ResourceTypes.Pods, "shop").Where(p => p.Text("metadata", "labels", "app") == app)];

    private List<JsonObject> Events(string reason) => [.. _store.List(ResourceTypes.Events).Where(e => e.Text("reason") == reason)];

    private JsonObject Get(JsonObject pod) => _store.Get(ResourceTypes.Pods, "shop", pod.Name())!;

    private void Change(string deployment, Action<JsonObject> change) =>
        _store.Update(ResourceTypes.Deployments, _store.Get(ResourceTypes.Deployments, "shop", deployment)!.With(change));

    private void Delete(JsonObject pod)
    {
        var admin = new Identity("admin", [new(["*"], ["*"], ["*"])]);
        var api = new KubernetesApi(_store, _cluster.Kubelet, new(_store, _clock), _clock);
        Assert.Equal(200, api.Answer(new("DELETE", $"/api/v1/namespaces/shop/pods/{pod.Name()}", "", "", "", [], admin)).Status);
    }

    private sealed class ScriptedRuntime : IContainerRuntime
    {
        public List<ContainerStart> Starts { get; } = [];

        public Dictionary<string, string> ProbeFailure { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, TimeSpan> KillAfter { get; } = new(StringComparer.Ordinal);

        public string Missing { get; set; } = "";

        public bool HasImage(string image) => image != Missing;

        public IContainerProcess Start(ContainerStart start)
        {
            Starts.Add(start);
            return new Scripted(this, start.PodName);
        }

        private sealed class Scripted(ScriptedRuntime script, string pod) : IContainerProcess
        {
            private DateTimeOffset? _first;

            public string? ProbeReadiness() => script.ProbeFailure.GetValueOrDefault(pod);

            public ContainerExit? Poll(DateTimeOffset now)
            {
                _first ??= now;
                return script.KillAfter.TryGetValue(pod, out var after) && now - _first >= after ? ContainerExit.OutOfMemory : null;
            }

            public void Stop() => _first = null;
        }
    }
}
