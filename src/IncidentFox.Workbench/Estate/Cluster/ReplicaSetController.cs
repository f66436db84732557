using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>Keeps as many pods as each ReplicaSet wants: replaces what was deleted, removes what is too much.</summary>
/// <param name="store">The cluster.</param>
/// <param name="events">Where it reports what it did.</param>
/// <param name="clock">The cluster's.</param>
/// <param name="admission">What may refuse its pods; null where nothing does.</param>
internal sealed class ReplicaSetController(ObjectStore store, EventRecorder events, TimeProvider clock, CreateHandler? admission = null)
{
    private const string Component = "replicaset-controller";
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);
    private readonly Dictionary<string, (string Why, TimeSpan Wait, DateTimeOffset Next)> _refused = new(StringComparer.Ordinal);

    public void Reconcile()
    {
        foreach (var set in store.List(ResourceTypes.ReplicaSets))
        {
            var pods = store.List(ResourceTypes.Pods, set.Namespace()).Where(p => IsOwnedBy(p, set)).ToList();
            var active = pods.Where(IsActive).ToList();
            var wanted = set.Number("spec", "replicas") ?? 1;
            for (var missing = wanted - active.Count; missing > 0 && Create(set) is { } pod; missing--)
            {
                events.Controller(set, "SuccessfulCreate", $"Created pod: {pod.Name()}", Component);
                active.Add(pod);
            }

            if (wanted <= active.Count)
            {
                _refused.Remove(set.Uid());
            }

            // Those that serve least go first.
            foreach (var surplus in active.OrderBy(p => Conditions.IsTrue(p, "Ready")).ThenByDescending(p => p.Text("metadata", "creationTimestamp")).Take((int)Math.Max(0, active.Count - wanted)))
            {
                Delete(surplus);
                events.Controller(set, "SuccessfulDelete", $"Deleted pod: {surplus.Name()}", Component);
                active.Remove(surplus);
            }

            WriteStatus(set, active);
        }
    }

    public static bool IsOwnedBy(JsonObject o, JsonObject owner) =>
        o.Objects("metadata", "ownerReferences").Any(r => r.Text("uid") == owner.Uid() && r.Flag("controller"));

    /// <summary>A pod more, or null when it is refused: then it is tried again later and later.</summary>
    private JsonObject? Create(JsonObject set)
    {
        var now = clock.GetUtcNow();
        var waited = _refused.GetValueOrDefault(set.Uid());
        if (now < waited.Next)
        {
            return null;
        }

        try
        {
            return admission?.Create(ResourceTypes.Pods, set.Namespace(), PodOf(set), dryRun: false, []) ?? store.Create(ResourceTypes.Pods, PodOf(set), now);
        }
        catch (ApiException refusal)
        {
            events.ControllerWarning(set, "FailedCreate", $"Error creating: {refusal.Message}", Component);
            var wait = waited.Wait == default ? FirstWait : waited.Wait * 2 < LongestWait ? waited.Wait * 2 : LongestWait;
            _refused[set.Uid()] = (refusal.Message, wait, now + wait);
            return null;
        }
    }

    private static bool IsActive(JsonObject pod) =>
        pod.Text("metadata", "deletionTimestamp") is null && pod.Text("status", "phase") is not ("Succeeded" or "Failed");

    private void Delete(JsonObject pod)
    {
        var grace = pod.Number("spec", "terminationGracePeriodSeconds") ?? 30;
        store.Update(ResourceTypes.Pods, pod.With(p =>
        {
            var metadata = p.Child("metadata");
            metadata["generation"] = (metadata.Number("generation") ?? 1) + 1;
            metadata["deletionTimestamp"] = clock.GetUtcNow().AddSeconds(grace).Rfc3339();
            metadata["deletionGracePeriodSeconds"] = grace;
        }));
    }

    private static JsonObject PodOf(JsonObject set)
    {
        var template = (JsonObject)set.At("spec", "template")!;
        var spec = ((JsonObject)template["spec"]!).Copy();
        spec["serviceAccountName"] = "default";
        spec["serviceAccount"] = "default";
        spec["priority"] = 0;
        spec["enableServiceLinks"] = true;
        spec["preemptionPolicy"] = "PreemptLowerPriority";
        return new()
        {
            ["kind"] = "Pod",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{set.Name()}-{Names.RandomSuffix()}",
                ["generateName"] = $"{set.Name()}-",
                ["namespace"] = set.Namespace(),
                ["generation"] = 1,
                ["labels"] = template.At("metadata", "labels")?.DeepClone(),
                ["ownerReferences"] = new JsonArray(DeploymentController.OwnerReference("ReplicaSet", set)),
            },
            ["spec"] = spec,
            ["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = "Burstable" },
        };
    }

    private void WriteStatus(JsonObject set, List<JsonObject> active)
    {
        var ready = active.Count(p => Conditions.IsTrue(p, "Ready"));
        var status = new JsonObject { ["replicas"] = active.Count };
        if (active.Count > 0)
        {
            status["fullyLabeledReplicas"] = active.Count;
        }

        if (ready > 0)
        {
            status["readyReplicas"] = ready;
            status["availableReplicas"] = ready;
        }

        status["observedGeneration"] = set.Number("metadata", "generation") ?? 1;
        if (_refused.TryGetValue(set.Uid(), out var refused))
        {
            var since = set.Objects("status", "conditions").FirstOrDefault().Text("lastTransitionTime") ?? clock.GetUtcNow().Rfc3339();
            status["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "ReplicaFailure", ["status"] = "True", ["lastTransitionTime"] = since, ["reason"] = "FailedCreate", ["message"] = refused.Why,
            });
        }

        store.Update(ResourceTypes.ReplicaSets, set.With(s => s["status"] = status));
    }
}
