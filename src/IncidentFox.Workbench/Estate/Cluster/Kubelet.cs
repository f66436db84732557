using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>The node: binds new pods to itself, runs their containers, writes their status, ends them.</summary>
internal sealed class Kubelet(ObjectStore store, EventRecorder events, IContainerRuntime runtime, TimeProvider clock) : IPodLogs, IPodCommands
{
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<string, PodRun> _pods = new(StringComparer.Ordinal);
    private int _nextIp = 20;

    public ContainerLog? Find(string podUid, string container, bool previous) =>
        _pods.GetValueOrDefault(podUid)?.Container is { } run && run.Name == container ? (previous ? run.PreviousLog : run.Log) : null;

    public void Reconcile()
    {
        var present = new HashSet<string>(StringComparer.Ordinal);
        foreach (var pod in store.List(ResourceTypes.Pods))
        {
            present.Add(pod.Uid());
            Step(pod);
        }

        // Removed by force: what ran for it is stopped.
        foreach (var (uid, gone) in _pods.Where(p => !present.Contains(p.Key)))
        {
            gone.Container.Stop();
            _pods.TryRemove(uid, out _);
        }
    }

    public PodVolume? VolumeOf(string podUid) => _pods.GetValueOrDefault(podUid)?.Volume;

    public IContainerProcess? ProcessOf(string podUid) => _pods.GetValueOrDefault(podUid)?.Container.Process;

    private void Step(JsonObject pod)
    {
        var now = clock.GetUtcNow();
        if (pod.Text("spec", "nodeName") is null)
        {
            Bind(pod, now);
            return;
        }

        if (!_pods.TryGetValue(pod.Uid(), out var run))
        {
            if (pod.Text("metadata", "deletionTimestamp") is not null)
            {
                Remove(pod); // ended before it began
                return;
            }

            run = new(NewContainer(pod), new());
            run.Container.Begin(pod, now);
            _pods[pod.Uid()] = run;
        }

        if (pod.Text("metadata", "deletionTimestamp") is not null)
        {
            End(pod, run, now);
            return;
        }

        run.Container.Step(pod, run.Volume, now);
        WriteStatus(pod, run, now);
    }

    private void Bind(JsonObject pod, DateTimeOffset now)
    {
        if (pod.Text("metadata", "deletionTimestamp") is not null)
        {
            Remove(pod);
            return;
        }

        // A cordoned node takes no new pods: they stay Pending.
        if (store.Get(ResourceTypes.Nodes, "", ClusterSeed.NodeName)?.At("spec", "unschedulable")?.GetValue<bool>() == true)
        {
            return;
        }

        events.Scheduled(pod);
        var bound = store.Update(ResourceTypes.Pods, pod.With(p => p.Child("spec")["nodeName"] = ClusterSeed.NodeName));
        store.Update(ResourceTypes.Pods, bound.With(p =>
            p.Child("status")["conditions"] = new JsonArray(Conditions.OfPod(status: null, "PodScheduled", isTrue: true, reason: null, message: null, now))));
    }

    private ContainerRun NewContainer(JsonObject pod)
    {
        var ip = $"10.201.0.{_nextIp}";
        _nextIp = _nextIp == 250 ? 20 : _nextIp + 1;
        return new(pod.Objects("spec", "containers").First(), ip, runtime, events, clock);
    }

    /// <summary>TERM, a moment to go, then the object is removed; in between its status says that the container ended.</summary>
    private void End(JsonObject pod, PodRun run, DateTimeOffset now)
    {
        if (run.EndsAt is null)
        {
            if (run.Container.IsRunning)
            {
                events.Kubelet(pod, run.Container.Name, "Normal", "Killing", $"Stopping container {run.Container.Name}");
            }

            var grace = TimeSpan.FromSeconds(pod.Number("metadata", "deletionGracePeriodSeconds") ?? 0);
            run.EndsAt = now + (grace < StopTime ? grace : StopTime);
            run.Container.Stop();
        }

        if (now < run.EndsAt)
        {
            return;
        }

        run.Container.Terminated(new(0, "Completed"), now);
        WriteStatus(pod, run, now);
        Remove(store.Get(ResourceTypes.Pods, pod.Namespace(), pod.Name())!);
    }

    private void Remove(JsonObject pod)
    {
        var last = store.Update(ResourceTypes.Pods, pod.With(p => p.Child("metadata")["deletionGracePeriodSeconds"] = 0));
        if (last.At("metadata", "finalizers") is not JsonArray { Count: > 0 })
        {
            store.Remove(ResourceTypes.Pods, last);
            _pods.TryRemove(pod.Uid(), out _);
        }
    }

    private void WriteStatus(JsonObject pod, PodRun run, DateTimeOffset now)
    {
        var container = run.Container;
        var before = pod["status"] as JsonObject;
        var isEnded = run.EndsAt is not null && !container.IsRunning;
        var phase = isEnded ? "Succeeded" : container.EverStarted ? "Running" : "Pending";
        var (reason, message) = isEnded ? ("PodCompleted", null)
            : container.IsReady ? (null, null)
            : ((string?)"ContainersNotReady", (string?)$"containers with unready status: [{container.Name}]");
        var isReady = container.IsReady && !isEnded;
        var status = new JsonObject
        {
            ["phase"] = phase,
            ["conditions"] = new JsonArray(
                Conditions.OfPod(before, "PodReadyToStartContainers", container.EverStarted && !isEnded, reason: null, message: null, now),
                Conditions.OfPod(before, "Initialized", isTrue: true, isEnded ? "PodCompleted" : null, message: null, now),
                Conditions.OfPod(before, "Ready", isReady, reason, message, now),
                Conditions.OfPod(before, "ContainersReady", isReady, reason, message, now),
                Conditions.OfPod(before, "PodScheduled", isTrue: true, reason: null, message: null, now)),
            ["hostIP"] = ClusterSeed.NodeAddress,
            ["hostIPs"] = new JsonArray(new JsonObject { ["ip"] = ClusterSeed.NodeAddress }),
        };
        if (container.EverStarted)
        {
            status["podIP"] = container.Ip;
            status["podIPs"] = new JsonArray(new JsonObject { ["ip"] = container.Ip });
        }

        status["startTime"] = before.Text("startTime") ?? now.Rfc3339();
        status["containerStatuses"] = new JsonArray(container.Status());
        status["qosClass"] = "Burstable";
        lock (store.Gate)
        {
            // The object may have moved on (a delete) since this step read it.
            if (store.Get(ResourceTypes.Pods, pod.Namespace(), pod.Name()) is { } current && current.Uid() == pod.Uid())
            {
                store.Update(ResourceTypes.Pods, current.With(p => p["status"] = status));
            }
        }
    }

    private sealed record PodRun(ContainerRun Container, PodVolume Volume)
    {
        public DateTimeOffset? EndsAt { get; set; }
    }
}
