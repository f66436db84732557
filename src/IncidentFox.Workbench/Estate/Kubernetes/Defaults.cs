using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>What the API server fills in when it is left out, as recorded.</summary>
internal static class Defaults
{
    private static readonly ResourceType[] WithGeneration =
        [ResourceTypes.Pods, ResourceTypes.Deployments, ResourceTypes.ReplicaSets, .. ResourceTypes.All.Where(t => t.Plural is "networkpolicies" or "poddisruptionbudgets" or "ingresses" or "statefulsets" or "daemonsets" or "jobs" or "cronjobs")];

    public static void OfNew(ResourceType type, JsonObject o)
    {
        if (WithGeneration.Contains(type))
        {
            o.Child("metadata")["generation"] = 1;
        }

        switch (type.Kind)
        {
            case "Namespace":
                o.Child("metadata").Child("labels")["kubernetes.io/metadata.name"] = o.Name();
                o["spec"] = new JsonObject { ["finalizers"] = new JsonArray("kubernetes") };
                o["status"] = new JsonObject { ["phase"] = "Active" };
                break;
            case "Pod" when o["spec"] is JsonObject spec:
                OfPod(spec);
                o["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = QosClass(spec) };
                break;
            case "Deployment" when o["spec"] is JsonObject spec:
                OfDeployment(spec);
                o["status"] = new JsonObject();
                break;
            case "Service" when o["spec"] is JsonObject spec:
                OfService(spec);
                o["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };
                break;
            case "NetworkPolicy" when o["spec"] is JsonObject spec:
                spec["policyTypes"] ??= spec["egress"] is null ? new JsonArray("Ingress") : new JsonArray("Ingress", "Egress");
                break;
            case "Secret":
                o["type"] ??= "Opaque";
                MergeStringData(o);
                break;
            case "ResourceQuota" or "PodDisruptionBudget" or "HorizontalPodAutoscaler":
                o["status"] = new JsonObject();
                break;
            default:
                break;
        }
    }

    /// <summary>A pod's template inside a workload: the same, without what admission adds to a pod.</summary>
    public static void OfTemplate(JsonObject spec)
    {
        spec["restartPolicy"] ??= "Always";
        spec["terminationGracePeriodSeconds"] ??= 30;
        spec["dnsPolicy"] ??= "ClusterFirst";
        spec["securityContext"] ??= new JsonObject();
        spec["schedulerName"] ??= "default-scheduler";
        foreach (var flag in (string[])["hostNetwork", "hostPID", "hostIPC"])
        {
            if (!spec.Flag(flag))
            {
                spec.Remove(flag);
            }
        }

        if (spec.Text("serviceAccountName") is { Length: > 0 } account)
        {
            spec["serviceAccount"] = account;
        }

        foreach (var volume in spec.Objects("volumes"))
        {
            OfVolume(volume);
        }

        foreach (var container in spec.Objects("containers").Concat(spec.Objects("initContainers")))
        {
            OfContainer(container);
        }
    }

    public static void OfContainer(JsonObject container)
    {
        container["resources"] ??= new JsonObject();
        container["terminationMessagePath"] ??= "/dev/termination-log";
        container["terminationMessagePolicy"] ??= "File";
        var tag = container.Text("image")?.Split('/')[^1].Split(':').ElementAtOrDefault(1) ?? "latest";
        container["imagePullPolicy"] ??= tag == "latest" && container.Text("image")?.Contains('@', StringComparison.Ordinal) != true ? "Always" : "IfNotPresent";
        foreach (var port in container.Objects("ports"))
        {
            port["protocol"] ??= "TCP";
        }

        foreach (var probe in ((string[])["livenessProbe", "readinessProbe", "startupProbe"]).Select(p => container[p]).OfType<JsonObject>())
        {
            probe["timeoutSeconds"] ??= 1;
            probe["periodSeconds"] ??= 10;
            probe["successThreshold"] ??= 1;
            probe["failureThreshold"] ??= 3;
            if (probe["httpGet"] is JsonObject get)
            {
                get["scheme"] ??= "HTTP";
            }
        }
    }

    public static string QosClass(JsonObject podSpec)
    {
        var all = podSpec.Objects("containers").Concat(podSpec.Objects("initContainers")).ToList();
        bool Has(JsonObject c, string what) => c.At("resources", what) is JsonObject { Count: > 0 };
        bool IsGuaranteed(JsonObject c) => ((string[])["cpu", "memory"]).All(r =>
            c.Text("resources", "limits", r) is { } limit && Quantities.Parse(c.Text("resources", "requests", r) ?? limit) == Quantities.Parse(limit));
        return all.TrueForAll(c => !Has(c, "limits") && !Has(c, "requests")) ? "BestEffort" : all.TrueForAll(IsGuaranteed) ? "Guaranteed" : "Burstable";
    }

    private static void OfPod(JsonObject spec)
    {
        OfTemplate(spec);
        spec["enableServiceLinks"] ??= true;
        foreach (var container in spec.Objects("containers").Concat(spec.Objects("initContainers")))
        {
            // A request that is left out is the limit.
            foreach (var (resource, limit) in container.At("resources", "limits") as JsonObject ?? [])
            {
                var requests = container.Child("resources").Child("requests");
                requests[resource] ??= limit?.DeepClone();
            }
        }
    }

    private static void OfVolume(JsonObject volume)
    {
        foreach (var kind in (string[])["projected", "configMap", "secret", "downwardAPI"])
        {
            if (volume[kind] is JsonObject source)
            {
                source["defaultMode"] ??= 420;
            }
        }

        foreach (var token in volume.Objects("projected", "sources").Select(s => s["serviceAccountToken"]).OfType<JsonObject>())
        {
            token["expirationSeconds"] ??= 3600;
        }

        if (volume.Count == 1)
        {
            volume["emptyDir"] = new JsonObject();
        }
    }

    private static void OfDeployment(JsonObject spec)
    {
        spec["replicas"] ??= 1;
        spec["strategy"] ??= new JsonObject { ["type"] = "RollingUpdate" };
        if (spec.Text("strategy", "type") == "RollingUpdate")
        {
            var rolling = spec.Child("strategy").Child("rollingUpdate");
            rolling["maxUnavailable"] ??= "25%";
            rolling["maxSurge"] ??= "25%";
        }

        spec["revisionHistoryLimit"] ??= 10;
        spec["progressDeadlineSeconds"] ??= 600;
        spec.Child("template").Child("metadata")["creationTimestamp"] = null;
        if (spec.At("template", "spec") is JsonObject template)
        {
            OfTemplate(template);
        }
    }

    private static void OfService(JsonObject spec)
    {
        spec["type"] ??= "ClusterIP";
        spec["sessionAffinity"] ??= "None";
        foreach (var port in spec.Objects("ports"))
        {
            port["protocol"] ??= "TCP";
            port["targetPort"] ??= port["port"]?.DeepClone();
        }

        if (spec.Text("type") == "ExternalName")
        {
            return;
        }

        spec["clusterIP"] ??= $"10.96.{RandomNumberGenerator.GetInt32(1, 250)}.{RandomNumberGenerator.GetInt32(1, 250)}";
        spec["clusterIPs"] ??= new JsonArray(spec.Text("clusterIP"));
        spec["ipFamilies"] ??= new JsonArray("IPv4");
        spec["ipFamilyPolicy"] ??= "SingleStack";
        spec["internalTrafficPolicy"] ??= "Cluster";
    }

    private static void MergeStringData(JsonObject secret)
    {
        foreach (var (key, value) in secret["stringData"] as JsonObject ?? [])
        {
            secret.Child("data")[key] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(value.Text() ?? ""));
        }

        secret.Remove("stringData");
    }
}
