using System.Globalization;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>Rolls each Deployment out: one ReplicaSet per template, the newest scaled up as the older ones go down.</summary>
internal sealed class DeploymentController(ObjectStore store, EventRecorder events, TimeProvider clock)
{
    private const string RevisionAnnotation = "deployment.kubernetes.io/revision";
    private const string Component = "deployment-controller";

    public void Reconcile()
    {
        foreach (var deployment in store.List(ResourceTypes.Deployments))
        {
            var owned = store.List(ResourceTypes.ReplicaSets, deployment.Namespace()).Where(s => ReplicaSetController.IsOwnedBy(s, deployment)).ToList();
            var newest = EnsureReplicaSet(deployment, owned);
            var older = owned.Where(s => s.Name() != newest.Name()).ToList();
            Roll(deployment, newest, older);
            WriteStatus(deployment.Namespace(), deployment.Name(), newest.Name());
        }
    }

    public static JsonObject OwnerReference(string kind, JsonObject owner) => new()
    {
        ["apiVersion"] = "apps/v1", ["kind"] = kind, ["name"] = owner.Name(), ["uid"] = owner.Uid(), ["controller"] = true, ["blockOwnerDeletion"] = true,
    };

    private JsonObject EnsureReplicaSet(JsonObject deployment, List<JsonObject> owned)
    {
        var template = deployment.At("spec", "template")!;
        var hash = Names.TemplateHash(template.ToJsonString());
        var name = $"{deployment.Name()}-{hash}";
        var existing = owned.Find(s => s.Name() == name);
        var current = Revision(deployment);
        if (existing is not null && (Revision(existing) == current || owned.Count == 1))
        {
            return existing;
        }

        // A template of before (a rollback) takes its old ReplicaSet with a new revision.
        var revision = owned.Select(Revision).DefaultIfEmpty(0).Max() + 1;
        store.Update(ResourceTypes.Deployments, deployment.With(d => Annotate(d, revision)));
        if (existing is not null)
        {
            return store.Update(ResourceTypes.ReplicaSets, existing.With(s => Annotate(s, revision)));
        }

        var set = store.Create(ResourceTypes.ReplicaSets, ReplicaSetOf(deployment, name, hash, revision), clock.GetUtcNow());
        owned.Add(set);
        return set;
    }

    private static JsonObject ReplicaSetOf(JsonObject deployment, string name, string hash, long revision)
    {
        var template = (JsonObject)deployment.At("spec", "template")!.DeepClone();
        var labels = template.Child("metadata").Child("labels");
        labels["pod-template-hash"] = hash;
        var selector = (JsonObject)deployment.At("spec", "selector")!.DeepClone();
        selector.Child("matchLabels")["pod-template-hash"] = hash;
        var set = new JsonObject
        {
            ["kind"] = "ReplicaSet",
            ["apiVersion"] = "apps/v1",
            ["metadata"] = new JsonObject
            {
                ["name"] = name,
                ["namespace"] = deployment.Namespace(),
                ["generation"] = 1,
                ["labels"] = labels.DeepClone(),
                ["annotations"] = (deployment.At("metadata", "annotations") as JsonObject ?? []).Copy(),
                ["ownerReferences"] = new JsonArray(OwnerReference("Deployment", deployment)),
            },
            ["spec"] = new JsonObject { ["replicas"] = 0, ["selector"] = selector, ["template"] = template },
            ["status"] = new JsonObject { ["replicas"] = 0 },
        };
        Annotate(set, revision);
        return set;
    }

    private void Roll(JsonObject deployment, JsonObject newest, List<JsonObject> older)
    {
        var wanted = deployment.Number("spec", "replicas") ?? 1;
        var surge = Share(deployment.At("spec", "strategy", "rollingUpdate", "maxSurge"), wanted, roundUp: true);
        var unavailable = Share(deployment.At("spec", "strategy", "rollingUpdate", "maxUnavailable"), wanted, roundUp: false);
        var running = older.Sum(Wanted);
        if (running == 0)
        {
            ScaleTo(deployment, newest, wanted);
            return;
        }

        ScaleTo(deployment, newest, Math.Min(wanted, Math.Max(Wanted(newest), wanted + surge - running)));
        var canGo = older.Append(newest).Sum(s => s.Number("status", "availableReplicas") ?? 0) - (wanted - unavailable);
        foreach (var old in older.Where(s => Wanted(s) > 0))
        {
            // Pods that serve nobody may go in any case.
            var idle = Wanted(old) - (old.Number("status", "availableReplicas") ?? 0);
            var go = Math.Min(Wanted(old), Math.Max(0, canGo) + idle);
            ScaleTo(deployment, old, Wanted(old) - go);
            canGo -= go - idle;
        }
    }

    private void ScaleTo(JsonObject deployment, JsonObject set, long replicas)
    {
        var before = Wanted(set);
        if (before == replicas)
        {
            return;
        }

        store.Update(ResourceTypes.ReplicaSets, set.With(s =>
        {
            s.Child("spec")["replicas"] = replicas;
            s.Child("metadata")["generation"] = (s.Number("metadata", "generation") ?? 1) + 1;
        }));
        var direction = replicas > before ? "up" : "down";
        events.Controller(deployment, "ScalingReplicaSet", $"Scaled {direction} replica set {set.Name()} from {before} to {replicas}", Component);
    }

    private void WriteStatus(string ns, string name, string newest)
    {
        var deployment = store.Get(ResourceTypes.Deployments, ns, name)!;
        var sets = store.List(ResourceTypes.ReplicaSets, ns).Where(s => ReplicaSetController.IsOwnedBy(s, deployment)).ToList();
        var total = sets.Sum(s => s.Number("status", "replicas") ?? 0);
        var ready = sets.Sum(s => s.Number("status", "readyReplicas") ?? 0);
        var updated = sets.Find(s => s.Name() == newest)?.Number("status", "replicas") ?? 0;
        var wanted = deployment.Number("spec", "replicas") ?? 1;
        var before = deployment["status"] as JsonObject;
        var status = new JsonObject { ["observedGeneration"] = deployment.Number("metadata", "generation") ?? 1 };
        AddIfAny(status, "replicas", total);
        AddIfAny(status, "updatedReplicas", updated);
        AddIfAny(status, "readyReplicas", ready);
        AddIfAny(status, "availableReplicas", ready);
        AddIfAny(status, "unavailableReplicas", Math.Max(0, Math.Max(total, wanted) - ready));
        var isAvailable = ready >= wanted - Share(deployment.At("spec", "strategy", "rollingUpdate", "maxUnavailable"), wanted, roundUp: false);
        var isComplete = updated >= wanted && total == updated && ready >= wanted;
        var now = clock.GetUtcNow();
        status["conditions"] = new JsonArray(
            isAvailable
                ? Conditions.OfDeployment(before, "Available", isTrue: true, "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
                : Conditions.OfDeployment(before, "Available", isTrue: false, "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", now),
            isComplete || IsSettled(before, newest)
                ? Conditions.OfDeployment(before, "Progressing", isTrue: true, "NewReplicaSetAvailable", $"ReplicaSet \"{newest}\" has successfully progressed.", now)
                : Conditions.OfDeployment(before, "Progressing", isTrue: true, "ReplicaSetUpdated", $"ReplicaSet \"{newest}\" is progressing.", now));
        if (sets.SelectMany(s => s.Objects("status", "conditions")).FirstOrDefault(c => c.Text("type") == "ReplicaFailure") is { } failure)
        {
            ((JsonArray)status["conditions"]!).Add((JsonNode)Conditions.OfDeployment(before, "ReplicaFailure", isTrue: true, failure.Text("reason")!, failure.Text("message")!, now));
        }

        store.Update(ResourceTypes.Deployments, deployment.With(d => d["status"] = status));
    }

    /// <summary>A rollout that was complete once stays so when a pod fails later.</summary>
    private static bool IsSettled(JsonObject? status, string newest) => status.Objects("conditions").Any(c =>
        c.Text("reason") == "NewReplicaSetAvailable" && c.Text("message") == $"ReplicaSet \"{newest}\" has successfully progressed.");

    private static void AddIfAny(JsonObject status, string field, long count)
    {
        if (count > 0)
        {
            status[field] = count;
        }
    }

    private static long Wanted(JsonObject set) => set.Number("spec", "replicas") ?? 0;

    private static long Revision(JsonObject o) =>
        long.TryParse(o.Text("metadata", "annotations", RevisionAnnotation), out var revision) ? revision : 0;

    private static void Annotate(JsonObject o, long revision) =>
        o.Child("metadata").Child("annotations")[RevisionAnnotation] = revision.ToString(CultureInfo.InvariantCulture);

    /// <summary>`maxSurge` and `maxUnavailable`: a number or a percentage, rounded as Kubernetes does.</summary>
    private static long Share(JsonNode? value, long of, bool roundUp)
    {
        if (value.Text() is { } text && text.EndsWith('%') && double.TryParse(text[..^1], out var percent))
        {
            var exact = of * percent / 100;
            return (long)(roundUp ? Math.Ceiling(exact) : Math.Floor(exact));
        }

        return value.Number() ?? 1;
    }
}
