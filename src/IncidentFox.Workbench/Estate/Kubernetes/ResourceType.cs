namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>One kind of object and how it is addressed.</summary>
internal sealed record ResourceType(string Group, string Version, string Plural, string Kind, bool Namespaced, string[] ShortNames)
{
    /// <summary>True for reviews: they are answered and never stored.</summary>
    public bool IsReview { get; init; }

    /// <summary>Subresources served, by name.</summary>
    public string[] Subresources { get; init; } = [];

    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>As error messages name it: `deployments.apps`, `pods`.</summary>
    public string QualifiedPlural => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    public string QualifiedKind => Group.Length == 0 ? Kind : $"{Kind}.{Group}";

    public string Singular => Kind.ToLowerInvariant();
}

/// <summary>Every kind this double serves.</summary>
internal static class ResourceTypes
{
    public static readonly ResourceType Namespaces = new("", "v1", "namespaces", "Namespace", false, ["ns"]);
    public static readonly ResourceType Nodes = new("", "v1", "nodes", "Node", false, ["no"]);
    public static readonly ResourceType Pods = new("", "v1", "pods", "Pod", true, ["po"]) { Subresources = ["log", "exec"] };
    public static readonly ResourceType Services = new("", "v1", "services", "Service", true, ["svc"]);
    public static readonly ResourceType Endpoints = new("", "v1", "endpoints", "Endpoints", true, ["ep"]);
    public static readonly ResourceType Events = new("", "v1", "events", "Event", true, ["ev"]);
    public static readonly ResourceType ConfigMaps = new("", "v1", "configmaps", "ConfigMap", true, ["cm"]);
    public static readonly ResourceType Secrets = new("", "v1", "secrets", "Secret", true, []);
    public static readonly ResourceType Deployments = new("apps", "v1", "deployments", "Deployment", true, ["deploy"]) { Subresources = ["scale"] };
    public static readonly ResourceType ReplicaSets = new("apps", "v1", "replicasets", "ReplicaSet", true, ["rs"]);
    public static readonly ResourceType EndpointSlices = new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true, []);

    /// <summary>The same events by their newer API: a view of <see cref="Events"/>.</summary>
    public static readonly ResourceType NewEvents = new("events.k8s.io", "v1", "events", "Event", true, ["ev"]);

    public static readonly ResourceType ServiceAccounts = new("", "v1", "serviceaccounts", "ServiceAccount", true, ["sa"]) { Subresources = ["token"] };
    public static readonly ResourceType ResourceQuotas = new("", "v1", "resourcequotas", "ResourceQuota", true, ["quota"]);
    public static readonly ResourceType LimitRanges = new("", "v1", "limitranges", "LimitRange", true, ["limits"]);
    public static readonly ResourceType Leases = new("coordination.k8s.io", "v1", "leases", "Lease", true, []);
    public static readonly ResourceType RuntimeClasses = new("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", false, []);
    public static readonly ResourceType PriorityClasses = new("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false, ["pc"]);
    public static readonly ResourceType Roles = new("rbac.authorization.k8s.io", "v1", "roles", "Role", true, []);
    public static readonly ResourceType ClusterRoles = new("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false, []);
    public static readonly ResourceType RoleBindings = new("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true, []);
    public static readonly ResourceType ClusterRoleBindings = new("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false, []);

    /// <summary>All kinds. Those not named above are stored as they are sent, and no controller acts on them.</summary>
    public static readonly IReadOnlyList<ResourceType> All =
    [
        Namespaces, Nodes, Pods, Services, Endpoints, Events, ConfigMaps, Secrets, Deployments, ReplicaSets, EndpointSlices, NewEvents,
        ServiceAccounts, ResourceQuotas, LimitRanges, Leases, RuntimeClasses, PriorityClasses, Roles, ClusterRoles, RoleBindings, ClusterRoleBindings,
        new("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true, ["pvc"]),
        new("", "v1", "persistentvolumes", "PersistentVolume", false, ["pv"]),
        new("", "v1", "replicationcontrollers", "ReplicationController", true, ["rc"]),
        new("apps", "v1", "statefulsets", "StatefulSet", true, ["sts"]),
        new("apps", "v1", "daemonsets", "DaemonSet", true, ["ds"]),
        new("batch", "v1", "jobs", "Job", true, []),
        new("batch", "v1", "cronjobs", "CronJob", true, ["cj"]),
        new("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true, ["hpa"]),
        new("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true, ["netpol"]),
        new("networking.k8s.io", "v1", "ingresses", "Ingress", true, ["ing"]),
        new("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true, ["pdb"]),
        new("storage.k8s.io", "v1", "storageclasses", "StorageClass", false, ["sc"]),
        new("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false, []) { IsReview = true },
        new("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false, []) { IsReview = true },
        new("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", false, []) { IsReview = true },
        new("authorization.k8s.io", "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", true, []) { IsReview = true },
        new("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false, []) { IsReview = true },
        new("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false, []) { IsReview = true },
    ];

    private static readonly Dictionary<(string Group, string Version, string Plural), ResourceType> ByAddress =
        All.ToDictionary(t => (t.Group, t.Version, t.Plural));

    public static ResourceType? Find(string group, string version, string plural) => ByAddress.GetValueOrDefault((group, version, plural));

    public static bool HasGroup(string group) => All.Any(t => t.Group == group);
}
