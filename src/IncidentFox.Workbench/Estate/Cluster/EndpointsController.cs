using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>Keeps the Endpoints and the EndpointSlice of each Service: the pods it selects, ready ones and others.</summary>
internal sealed class EndpointsController(ObjectStore store, TimeProvider clock)
{
    public void Reconcile()
    {
        foreach (var service in store.List(ResourceTypes.Services))
        {
            if (service.At("spec", "selector") is not JsonObject selector)
            {
                continue;
            }

            var selects = LabelSelector.FromMatchLabels(selector);
            var pods = store.List(ResourceTypes.Pods, service.Namespace())
                .Where(p => selects.Matches(p) && p.Text("status", "podIP") is not null && p.Text("metadata", "deletionTimestamp") is null
                    && p.Text("status", "phase") == "Running").ToList();
            Write(ResourceTypes.Endpoints, service, service.Name(), e => SetSubsets(e, pods));
            Write(ResourceTypes.EndpointSlices, service, SliceName(service), e => SetSlice(e, service, pods));
        }
    }

    /// <summary>The ready addresses of a Service, as a client of it would be sent to.</summary>
    public static IReadOnlyList<string> ReadyPods(ObjectStore store, string ns, string service) =>
        [.. (store.Get(ResourceTypes.Endpoints, ns, service).Objects("subsets")).SelectMany(s => s.Objects("addresses")).Select(a => a.Text("targetRef", "name") ?? "")];

    private void Write(ResourceType type, JsonObject service, string name, Action<JsonObject> fill)
    {
        if (store.Get(type, service.Namespace(), name) is { } existing)
        {
            var after = existing.With(fill);
            if (!JsonNode.DeepEquals(existing, after))
            {
                if (after.Number("metadata", "generation") is { } generation)
                {
                    after.Child("metadata")["generation"] = generation + 1;
                }

                after.Child("metadata").Child("annotations")["endpoints.kubernetes.io/last-change-trigger-time"] = clock.GetUtcNow().Rfc3339();
                store.Update(type, after);
            }

            return;
        }

        var made = new JsonObject
        {
            ["kind"] = type.Kind,
            ["apiVersion"] = type.ApiVersion,
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = service.Namespace(), ["labels"] = Labels(type, service) },
        };
        if (type == ResourceTypes.EndpointSlices)
        {
            made.Child("metadata")["generation"] = 1;
        }

        fill(made);
        store.Create(type, made, clock.GetUtcNow());
    }

    private static JsonObject Labels(ResourceType type, JsonObject service)
    {
        var labels = (service.At("metadata", "labels") as JsonObject ?? []).Copy();
        if (type == ResourceTypes.EndpointSlices)
        {
            labels["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io";
            labels["kubernetes.io/service-name"] = service.Name();
        }
        else
        {
            labels["endpoints.kubernetes.io/managed-by"] = "endpoint-controller";
        }

        return labels;
    }

    private static string SliceName(JsonObject service) => $"{service.Name()}-{Names.TemplateHash(service.Uid())[..5]}";

    private static void SetSubsets(JsonObject endpoints, List<JsonObject> pods)
    {
        var subset = new JsonObject();
        foreach (var (field, isReady) in new[] { ("addresses", true), ("notReadyAddresses", false) })
        {
            var addresses = pods.Where(p => Conditions.IsTrue(p, "Ready") == isReady).Select(Address).ToArray();
            if (addresses.Length > 0)
            {
                subset[field] = new JsonArray(addresses);
            }
        }

        if (subset.Count == 0)
        {
            endpoints.Remove("subsets");
            return;
        }

        subset["ports"] = new JsonArray(new JsonObject { ["name"] = "http", ["port"] = 8080, ["protocol"] = "TCP" });
        endpoints["subsets"] = new JsonArray(subset);
    }

    private static JsonObject Address(JsonObject pod) => new()
    {
        ["ip"] = pod.Text("status", "podIP"), ["nodeName"] = pod.Text("spec", "nodeName"), ["targetRef"] = TargetRef(pod),
    };

    private static void SetSlice(JsonObject slice, JsonObject service, List<JsonObject> pods)
    {
        slice.Child("metadata")["generateName"] = $"{service.Name()}-";
        slice.Child("metadata")["ownerReferences"] = new JsonArray(new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "Service", ["name"] = service.Name(), ["uid"] = service.Uid(), ["controller"] = true, ["blockOwnerDeletion"] = true,
        });
        slice["addressType"] = "IPv4";

        // Without endpoints the real server has null here, and an empty list nowhere else.
        slice["endpoints"] = pods.Count == 0 ? null : new JsonArray([.. pods.Select(p => new JsonObject
        {
            ["addresses"] = new JsonArray(p.Text("status", "podIP")!),
            ["conditions"] = new JsonObject { ["ready"] = Conditions.IsTrue(p, "Ready"), ["serving"] = Conditions.IsTrue(p, "Ready"), ["terminating"] = false },
            ["targetRef"] = TargetRef(p),
            ["nodeName"] = p.Text("spec", "nodeName"),
        })]);
        slice["ports"] = new JsonArray(new JsonObject { ["name"] = "http", ["protocol"] = "TCP", ["port"] = 8080 });
    }

    private static JsonObject TargetRef(JsonObject pod) => new()
    {
        ["kind"] = "Pod", ["namespace"] = pod.Namespace(), ["name"] = pod.Name(), ["uid"] = pod.Uid(),
    };
}
