using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>The Pod Security Standards `baseline` and `restricted`, by the labels of the namespace; all violations in one message.</summary>
internal static class PodSecurity
{
    private const string Label = "pod-security.kubernetes.io/";
    private static readonly string[] RestrictedVolumes = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
    private static readonly string[] BaselineCapabilities =
    [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ];

    public static bool IsLevel(string level) => level is "privileged" or "baseline" or "restricted";

    public static void Enforce(ObjectStore store, string ns, JsonObject pod)
    {
        if (Level(store, ns, "enforce") is { } level && Violations(level, (JsonObject)pod["spec"]!) is { Count: > 0 } found)
        {
            throw PodAdmission.Refusal(pod, $"violates PodSecurity \"{level}:{Version(store, ns, "enforce")}\": {string.Join(", ", found)}");
        }
    }

    public static string? Warning(ObjectStore store, string ns, JsonObject podSpec)
    {
        // A workload is only warned of what would refuse its pods; `warn` is for both.
        var mode = Level(store, ns, "warn") is not null ? "warn" : "enforce";
        return Level(store, ns, mode) is { } level && Violations(level, podSpec) is { Count: > 0 } found
            ? $"would violate PodSecurity \"{level}:{Version(store, ns, mode)}\": {string.Join(", ", found)}" : null;
    }

    private static string? Level(ObjectStore store, string ns, string mode) =>
        store.Get(ResourceTypes.Namespaces, "", ns).Text("metadata", "labels", Label + mode) is "baseline" or "restricted"
            ? store.Get(ResourceTypes.Namespaces, "", ns).Text("metadata", "labels", Label + mode) : null;

    private static string Version(ObjectStore store, string ns, string mode) =>
        store.Get(ResourceTypes.Namespaces, "", ns).Text("metadata", "labels", $"{Label}{mode}-version") ?? "latest";

    private static List<string> Violations(string level, JsonObject spec)
    {
        var restricted = level == "restricted";
        var containers = spec.Objects("initContainers").Concat(spec.Objects("containers")).ToList();
        var pod = spec["securityContext"];
        var found = new List<string?> { HostNamespaces(spec), HostPorts(containers) };
        if (!restricted)
        {
            found.Add(HostPaths(spec));
        }

        found.Add(Containers("privileged", containers, c => c.Flag("securityContext", "privileged"), "must not set securityContext.privileged=true"));
        if (!restricted)
        {
            found.Add(AddedCapabilities("non-default capabilities", containers, BaselineCapabilities));
            found.Add(Containers("seccompProfile", containers, c => Seccomp(c) == "Unconfined", "must not set securityContext.seccompProfile.type to \"Unconfined\""));
            return [.. found.OfType<string>()];
        }

        found.Add(Containers(
            "allowPrivilegeEscalation != false", containers, c => !IsFalse(c.At("securityContext", "allowPrivilegeEscalation")),
            "must set securityContext.allowPrivilegeEscalation=false"));
        found.Add(RestrictedCapabilities(containers));
        found.Add(VolumeTypes(spec));
        found.Add(NonRoot(pod, containers));
        found.Add(User(pod, containers));
        found.Add(RestrictedSeccomp(pod, containers));
        return [.. found.OfType<string>()];
    }

    private static string? HostNamespaces(JsonObject spec)
    {
        var used = ((string[])["hostNetwork", "hostPID", "hostIPC"]).Where(f => spec.Flag(f)).Select(f => $"{f}=true").ToList();
        return used.Count == 0 ? null : $"host namespaces ({string.Join(", ", used)})";
    }

    private static string? HostPorts(List<JsonObject> containers) => Containers(
        "hostPort", containers, c => c.Objects("ports").Any(p => p.Number("hostPort") > 0), "must not use hostPort");

    private static string? HostPaths(JsonObject spec)
    {
        var names = spec.Objects("volumes").Where(v => v["hostPath"] is not null).Select(v => $"\"{v.Text("name")}\"").ToList();
        return names.Count == 0 ? null : $"hostPath volumes ({(names.Count == 1 ? "volume" : "volumes")} {string.Join(", ", names)})";
    }

    private static string? VolumeTypes(JsonObject spec)
    {
        var bad = spec.Objects("volumes").Select(v => (Name: v.Text("name"), Type: v.Select(p => p.Key).FirstOrDefault(k => k != "name" && !RestrictedVolumes.Contains(k)))).Where(v => v.Type is not null).ToList();
        return bad.Count == 0 ? null
            : $"restricted volume types ({(bad.Count == 1 ? "volume" : "volumes")} {string.Join(", ", bad.Select(b => $"\"{b.Name}\""))} "
              + $"{(bad.Count == 1 ? "uses restricted volume type" : "use restricted volume types")} {string.Join(", ", bad.Select(b => $"\"{b.Type}\"").Distinct())})";
    }

    private static string? RestrictedCapabilities(List<JsonObject> containers)
    {
        var undropped = Named(containers.Where(c => (c.At("securityContext", "capabilities", "drop") as JsonArray)?.Any(d => d.Text() == "ALL") != true));
        var parts = new List<string>();
        if (undropped is not null)
        {
            parts.Add($"{undropped} must set securityContext.capabilities.drop=[\"ALL\"]");
        }

        if (Added(containers, ["NET_BIND_SERVICE"]) is { } added)
        {
            parts.Add(added);
        }

        return parts.Count == 0 ? null : $"unrestricted capabilities ({string.Join("; ", parts)})";
    }

    private static string? AddedCapabilities(string title, List<JsonObject> containers, string[] allowed) => Added(containers, allowed) is { } added ? $"{title} ({added})" : null;

    private static string? Added(List<JsonObject> containers, string[] allowed)
    {
        List<string> Of(JsonObject c) => [.. (c.At("securityContext", "capabilities", "add") as JsonArray ?? []).Select(a => a.Text() ?? "").Where(a => !allowed.Contains(a))];
        var bad = containers.Where(c => Of(c).Count > 0).ToList();
        return bad.Count == 0 ? null
            : $"{Named(bad)} must not include {string.Join(", ", bad.SelectMany(Of).Distinct().Order(StringComparer.Ordinal).Select(a => $"\"{a}\""))} in securityContext.capabilities.add";
    }

    private static string? NonRoot(JsonNode? pod, List<JsonObject> containers)
    {
        if (Named(containers.Where(c => IsFalse(c.At("securityContext", "runAsNonRoot")))) is { } bad)
        {
            return $"runAsNonRoot != true ({bad} must not set securityContext.runAsNonRoot=false)";
        }

        return pod.Flag("runAsNonRoot") || Named(containers.Where(c => !c.Flag("securityContext", "runAsNonRoot"))) is not { } silent ? null
            : $"runAsNonRoot != true (pod or {silent} must set securityContext.runAsNonRoot=true)";
    }

    private static string? User(JsonNode? pod, List<JsonObject> containers) => pod.Number("runAsUser") == 0 ? "runAsUser=0 (pod must not set runAsUser=0)"
        : Containers("runAsUser=0", containers, c => c.Number("securityContext", "runAsUser") == 0, "must not set runAsUser=0");

    private static string? RestrictedSeccomp(JsonNode? pod, List<JsonObject> containers)
    {
        if (Containers("seccompProfile", containers, c => Seccomp(c) == "Unconfined", "must not set securityContext.seccompProfile.type to \"Unconfined\"") is { } unconfined)
        {
            return unconfined;
        }

        if (pod.Text("seccompProfile", "type") == "Unconfined")
        {
            return "seccompProfile (pod must not set securityContext.seccompProfile.type to \"Unconfined\")";
        }

        return pod.Text("seccompProfile", "type") is not null || Named(containers.Where(c => Seccomp(c) is null)) is not { } silent ? null
            : $"seccompProfile (pod or {silent} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")";
    }

    private static string? Seccomp(JsonObject container) => container.Text("securityContext", "seccompProfile", "type");

    private static string? Containers(string title, List<JsonObject> containers, Func<JsonObject, bool> isBad, string rule) =>
        Named(containers.Where(isBad)) is { } named ? $"{title} ({named} {rule})" : null;

    private static string? Named(IEnumerable<JsonObject> containers)
    {
        var names = containers.Select(c => $"\"{c.Text("name")}\"").ToList();
        return names.Count == 0 ? null : $"{(names.Count == 1 ? "container" : "containers")} {string.Join(", ", names)}";
    }

    private static bool IsFalse(JsonNode? node) => node?.GetValueKind() == System.Text.Json.JsonValueKind.False;
}
