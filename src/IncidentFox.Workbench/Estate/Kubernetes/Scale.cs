using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>The scale subresource: a small view of a Deployment.</summary>
internal static class Scale
{
    public static JsonObject Of(JsonObject workload)
    {
        var labels = workload.At("spec", "selector", "matchLabels") as JsonObject ?? [];
        return new()
        {
            ["kind"] = "Scale",
            ["apiVersion"] = "autoscaling/v1",
            ["metadata"] = new JsonObject
            {
                ["name"] = workload.Name(),
                ["namespace"] = workload.Namespace(),
                ["uid"] = workload.Uid(),
                ["resourceVersion"] = workload.Text("metadata", "resourceVersion"),
                ["creationTimestamp"] = workload.Text("metadata", "creationTimestamp"),
            },
            ["spec"] = new JsonObject { ["replicas"] = workload.Number("spec", "replicas") ?? 1 },
            ["status"] = new JsonObject
            {
                ["replicas"] = workload.Number("status", "replicas") ?? 0,
                ["selector"] = string.Join(',', labels.Select(l => $"{l.Key}={l.Value.Text()}")),
            },
        };
    }
}

/// <summary>Who wrote what. Kept for what an investigation asks most: who set the replicas.</summary>
internal static class ManagedFields
{
    public static void Scaled(JsonObject workload, string manager, string subresource, DateTimeOffset now)
    {
        var entry = new JsonObject
        {
            ["manager"] = manager,
            ["operation"] = "Update",
            ["apiVersion"] = "apps/v1",
            ["time"] = now.Rfc3339(),
            ["fieldsType"] = "FieldsV1",
            ["fieldsV1"] = new JsonObject { ["f:spec"] = new JsonObject { ["f:replicas"] = new JsonObject() } },
        };
        if (subresource.Length > 0)
        {
            entry["subresource"] = subresource;
        }

        var others = workload.Objects("metadata", "managedFields").Where(e => e.At("fieldsV1", "f:spec", "f:replicas") is null).Select(e => e.Copy());
        workload.Child("metadata")["managedFields"] = new JsonArray([.. others, entry]);
    }
}
