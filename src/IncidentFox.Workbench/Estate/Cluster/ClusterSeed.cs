using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>What is in the cluster before anything happens: a node, namespaces and the shop's workloads.</summary>
internal static class ClusterSeed
{
    public const string NodeName = "node-1";
    public const string NodeAddress = "192.0.2.10";
    public const string Shop = "shop";

    /// <summary>The images that exist in the registry.</summary>
    public static IReadOnlyCollection<string> Images { get; } = [.. Workloads.Select(ImageOf)];

    public static void Fill(ObjectStore store, TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        foreach (var ns in (string[])["default", "kube-system", Shop])
        {
            store.Create(ResourceTypes.Namespaces, Namespace(ns), now);
        }

        store.Create(ResourceTypes.Nodes, Node(now), now);
        store.Create(ResourceTypes.ConfigMaps, ShopSettings(), now);
        store.Create(ResourceTypes.Secrets, PaymentsKey(), now);
        foreach (var workload in Workloads)
        {
            store.Create(ResourceTypes.Services, ServiceOf(workload), now);
            store.Create(ResourceTypes.Deployments, DeploymentOf(workload), now);
        }
    }

    private static Workload[] Workloads =>
    [
        new("storefront", "3.2.0", 2, "96Mi", "catalog,checkout"),
        new("checkout", "1.8.0", 2, "128Mi", "payments"),
        new("payments", "2.4.0", 2, "96Mi", ""),
        new("catalog", "5.0.2", 2, "96Mi", ""),
    ];

    private static string ImageOf(Workload workload) => $"registry.example/shop/{workload.Name}:{workload.Version}";

    private sealed record Workload(string Name, string Version, int Replicas, string Memory, string Dependencies);

    private static JsonObject Namespace(string name) => new()
    {
        ["kind"] = "Namespace",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["kubernetes.io/metadata.name"] = name } },
        ["spec"] = new JsonObject { ["finalizers"] = new JsonArray("kubernetes") },
        ["status"] = new JsonObject { ["phase"] = "Active" },
    };

    public static JsonObject Node(DateTimeOffset now)
    {
        JsonObject Condition(string type, string status, string reason, string message) => new()
        {
            ["type"] = type, ["status"] = status, ["lastHeartbeatTime"] = now.Rfc3339(), ["lastTransitionTime"] = now.Rfc3339(), ["reason"] = reason, ["message"] = message,
        };
        JsonObject Resources() => new() { ["cpu"] = "4", ["ephemeral-storage"] = "100Gi", ["memory"] = "16Gi", ["pods"] = "110" };
        return new()
        {
            ["kind"] = "Node",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject
            {
                ["name"] = NodeName,
                ["annotations"] = new JsonObject { ["volumes.kubernetes.io/controller-managed-attach-detach"] = "true" },
                ["labels"] = new JsonObject { ["kubernetes.io/arch"] = "amd64", ["kubernetes.io/hostname"] = NodeName, ["kubernetes.io/os"] = "linux" },
            },
            ["spec"] = new JsonObject(),
            ["status"] = new JsonObject
            {
                ["capacity"] = Resources(),
                ["allocatable"] = Resources(),
                ["conditions"] = new JsonArray(
                    Condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                    Condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                    Condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                    Condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")),
                ["addresses"] = new JsonArray(
                    new JsonObject { ["type"] = "InternalIP", ["address"] = NodeAddress }, new JsonObject { ["type"] = "Hostname", ["address"] = NodeName }),
                ["nodeInfo"] = new JsonObject
                {
                    ["kernelVersion"] = "6.1.0", ["osImage"] = "Debian GNU/Linux 12 (bookworm)", ["containerRuntimeVersion"] = "containerd://1.7.24",
                    ["kubeletVersion"] = "v1.33.13", ["operatingSystem"] = "linux", ["architecture"] = "amd64",
                },
            },
        };
    }

    private static JsonObject ShopSettings() => new()
    {
        ["kind"] = "ConfigMap",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject { ["name"] = "shop-settings", ["namespace"] = Shop },
        ["data"] = new JsonObject { ["checkout.pool.size"] = "16", ["checkout.rate.limit"] = "10", ["payments.timeout"] = "2s" },
    };

    /// <summary>There to be refused: no grant of ours covers Secrets.</summary>
    private static JsonObject PaymentsKey() => new()
    {
        ["kind"] = "Secret",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject { ["name"] = "payments-api-key", ["namespace"] = Shop },
        ["data"] = new JsonObject { ["key"] = Convert.ToBase64String(Guid.NewGuid().ToByteArray()) },
        ["type"] = "Opaque",
    };

    private static JsonObject ServiceOf(Workload workload) => new()
    {
        ["kind"] = "Service",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject { ["name"] = workload.Name, ["namespace"] = Shop, ["labels"] = new JsonObject { ["app"] = workload.Name } },
        ["spec"] = new JsonObject
        {
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "http", ["protocol"] = "TCP", ["port"] = 80, ["targetPort"] = "http" }),
            ["selector"] = new JsonObject { ["app"] = workload.Name },
            ["clusterIP"] = $"10.96.81.{80 + Array.IndexOf(Workloads, workload)}",
            ["type"] = "ClusterIP",
            ["sessionAffinity"] = "None",
            ["internalTrafficPolicy"] = "Cluster",
        },
        ["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() },
    };

    private static JsonObject DeploymentOf(Workload workload)
    {
        var container = new JsonObject
        {
            ["name"] = workload.Name,
            ["image"] = ImageOf(workload),
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "http", ["containerPort"] = 8080, ["protocol"] = "TCP" }),
            ["env"] = new JsonArray(new JsonObject { ["name"] = "DEPS", ["value"] = workload.Dependencies }),
            ["resources"] = new JsonObject
            {
                ["limits"] = new JsonObject { ["memory"] = workload.Memory }, ["requests"] = new JsonObject { ["cpu"] = "50m", ["memory"] = "48Mi" },
            },
            ["volumeMounts"] = new JsonArray(new JsonObject { ["name"] = "spool", ["mountPath"] = $"/var/spool/{workload.Name}" }),
            ["readinessProbe"] = new JsonObject
            {
                ["httpGet"] = new JsonObject { ["path"] = "/readyz", ["port"] = "http", ["scheme"] = "HTTP" },
                ["timeoutSeconds"] = 1, ["periodSeconds"] = 1, ["successThreshold"] = 1, ["failureThreshold"] = 3,
            },
            ["terminationMessagePath"] = "/dev/termination-log",
            ["terminationMessagePolicy"] = "File",
            ["imagePullPolicy"] = "IfNotPresent",
        };
        return new()
        {
            ["kind"] = "Deployment",
            ["apiVersion"] = "apps/v1",
            ["metadata"] = new JsonObject
            {
                ["name"] = workload.Name,
                ["namespace"] = Shop,
                ["generation"] = 1,
                ["labels"] = new JsonObject { ["app"] = workload.Name, ["team"] = "shop" },
                ["annotations"] = new JsonObject { ["kubernetes.io/change-cause"] = $"deploy {workload.Name} {workload.Version}" },
            },
            ["spec"] = new JsonObject
            {
                ["replicas"] = workload.Replicas,
                ["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["app"] = workload.Name } },
                ["template"] = new JsonObject
                {
                    ["metadata"] = new JsonObject { ["creationTimestamp"] = null, ["labels"] = new JsonObject { ["app"] = workload.Name } },
                    ["spec"] = new JsonObject
                    {
                        ["volumes"] = new JsonArray(new JsonObject { ["name"] = "spool", ["emptyDir"] = new JsonObject() }),
                        ["containers"] = new JsonArray(container),
                        ["restartPolicy"] = "Always",
                        ["terminationGracePeriodSeconds"] = 5,
                        ["dnsPolicy"] = "ClusterFirst",
                        ["automountServiceAccountToken"] = false,
                        ["securityContext"] = new JsonObject(),
                        ["schedulerName"] = "default-scheduler",
                    },
                },
                ["strategy"] = new JsonObject
                {
                    ["type"] = "RollingUpdate", ["rollingUpdate"] = new JsonObject { ["maxUnavailable"] = "25%", ["maxSurge"] = "25%" },
                },
                ["revisionHistoryLimit"] = 5,
                ["progressDeadlineSeconds"] = 600,
            },
        };
    }
}
