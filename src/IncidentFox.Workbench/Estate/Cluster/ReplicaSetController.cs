using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>Keeps as many pods as each ReplicaSet wants: replaces what was deleted, removes what is too much.</summary>
internal sealed class ReplicaSetController(ObjectStore store, EventRecorder events, TimeProvider clock)
{
    private const string Component = "replicaset-controller";

    public void Reconcile()
    {
        foreach (var set in store.List(ResourceTypes.ReplicaSets))
        {
            var pods = store.List(ResourceTypes.Pods, set.Namespace()).Where(p => IsOwnedBy(p, set)).ToList();
            var active = pods.Where(IsActive).ToList();
            var wanted = set.Number("spec", "replicas") ?? 1;
            for (var missing = wanted - active.Count; missing > 0; missing--)
            {
                var pod = store.Create(ResourceTypes.Pods, PodOf(set), clock.GetUtcNow());
                events.Controller(set, "SuccessfulCreate", $"Created pod: {pod.Name()}", Component);
                active.Add(pod);
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
        store.Update(ResourceTypes.ReplicaSets, set.With(s => s["status"] = status));
    }
}
