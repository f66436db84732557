using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>The controllers that clear up: ended namespaces, objects without an owner; and the figures of quotas.</summary>
internal sealed class HouseKeeping(ObjectStore store, TimeProvider clock)
{
    private readonly QuotaRules _quotas = new(store);

    public void Reconcile()
    {
        foreach (var ns in store.List(ResourceTypes.Namespaces).Where(n => n.Text("metadata", "deletionTimestamp") is not null))
        {
            Empty(ns);
        }

        foreach (var type in (ResourceType[])[ResourceTypes.ReplicaSets, ResourceTypes.Pods])
        {
            foreach (var orphan in store.List(type).Where(o => o.Text("metadata", "deletionTimestamp") is null && IsOrphan(o)))
            {
                Delete(type, orphan);
            }
        }

        foreach (var quota in store.List(ResourceTypes.ResourceQuotas))
        {
            store.Update(ResourceTypes.ResourceQuotas, quota.With(q => q["status"] = _quotas.Status(q)));
        }
    }

    private void Empty(JsonObject ns)
    {
        var left = 0;
        foreach (var type in ResourceTypes.All.Where(t => t.Namespaced && t != ResourceTypes.NewEvents))
        {
            foreach (var o in store.List(type, ns.Name()))
            {
                left += type == ResourceTypes.Pods ? 1 : 0;
                Delete(type, o);
            }
        }

        if (left == 0)
        {
            store.Remove(ResourceTypes.Namespaces, ns);
        }
    }

    private bool IsOrphan(JsonObject o) => o.Objects("metadata", "ownerReferences").ToList() is { Count: > 0 } owners
        && owners.TrueForAll(r => ResourceTypes.All.FirstOrDefault(t => t.Kind == r.Text("kind") && t.ApiVersion == r.Text("apiVersion")) is { } type
            && store.Get(type, type.Namespaced ? o.Namespace() : "", r.Text("name") ?? "")?.Uid() != r.Text("uid"));

    private void Delete(ResourceType type, JsonObject o)
    {
        if (type != ResourceTypes.Pods)
        {
            store.Remove(type, o);
            return;
        }

        if (o.Text("metadata", "deletionTimestamp") is null)
        {
            var grace = o.Number("spec", "terminationGracePeriodSeconds") ?? 30;
            store.Update(type, o.With(p =>
            {
                p.Child("metadata")["deletionTimestamp"] = clock.GetUtcNow().AddSeconds(grace).Rfc3339();
                p.Child("metadata")["deletionGracePeriodSeconds"] = grace;
            }));
        }
    }
}
