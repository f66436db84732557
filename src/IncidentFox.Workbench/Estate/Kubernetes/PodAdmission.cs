using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>What stands between a valid pod and the store: its account, classes and limits are found, its namespace's rules hold.</summary>
internal sealed class PodAdmission(ObjectStore store)
{
    private const int DefaultTolerationSeconds = 300;
    private readonly QuotaRules _quotas = new(store);

    /// <summary>Fills in what other objects decide; refuses references to what is not there.</summary>
    public void Complete(JsonObject pod, string ns)
    {
        if (pod["spec"] is not JsonObject spec)
        {
            return;
        }

        _quotas.ApplyLimitRanges(pod, ns);
        CompleteAccount(pod, spec, ns);
        CompletePriority(pod, spec);
        CompleteTolerations(spec);
        if (spec.Text("runtimeClassName") is { Length: > 0 } runtime)
        {
            var found = store.Get(ResourceTypes.RuntimeClasses, "", runtime) ?? throw Refusal(pod, $"pod rejected: RuntimeClass \"{runtime}\" not found");
            if (found.At("overhead", "podFixed") is { } overhead)
            {
                spec["overhead"] = overhead.DeepClone();
            }
        }

        pod.Child("status")["qosClass"] = Defaults.QosClass(spec);
    }

    /// <summary>Refuses what the namespace does not allow.</summary>
    public void Admit(JsonObject pod, string ns, List<string> warnings)
    {
        PodSecurity.Enforce(store, ns, pod);
        if (PodSecurity.Warning(store, ns, (JsonObject)pod["spec"]!) is { } warning)
        {
            warnings.Add(warning);
        }

        _quotas.Enforce(pod, ns);
    }

    public static ApiException Refusal(JsonObject pod, string why) =>
        ApiException.Forbidden($"pods \"{pod.Name()}\" is forbidden: {why}", ApiException.Details(pod.Name(), "", "pods"));

    private void CompleteAccount(JsonObject pod, JsonObject spec, string ns)
    {
        var name = spec.Text("serviceAccountName") is { Length: > 0 } named ? named : spec.Text("serviceAccount") is { Length: > 0 } older ? older : "default";
        var account = store.Get(ResourceTypes.ServiceAccounts, ns, name)
            ?? throw Refusal(pod, $"error looking up service account {ns}/{name}: serviceaccount \"{name}\" not found");
        spec["serviceAccountName"] = name;
        spec["serviceAccount"] = name;
        var mounts = spec["automountServiceAccountToken"] ?? account["automountServiceAccountToken"];
        if (mounts?.GetValueKind() != System.Text.Json.JsonValueKind.False)
        {
            MountToken(spec);
        }
    }

    private static void MountToken(JsonObject spec)
    {
        var name = $"kube-api-access-{RandomNumberGenerator.GetString("bcdfghjklmnpqrstvwxz2456789", 5)}";
        if (spec["volumes"] is not JsonArray volumes)
        {
            spec["volumes"] = volumes = [];
        }

        volumes.Add((JsonNode)new JsonObject
        {
            ["name"] = name,
            ["projected"] = new JsonObject
            {
                ["sources"] = new JsonArray(
                    new JsonObject { ["serviceAccountToken"] = new JsonObject { ["expirationSeconds"] = 3607, ["path"] = "token" } },
                    new JsonObject { ["configMap"] = new JsonObject { ["name"] = "kube-root-ca.crt", ["items"] = new JsonArray(new JsonObject { ["key"] = "ca.crt", ["path"] = "ca.crt" }) } },
                    new JsonObject
                    {
                        ["downwardAPI"] = new JsonObject
                        {
                            ["items"] = new JsonArray(new JsonObject { ["path"] = "namespace", ["fieldRef"] = new JsonObject { ["apiVersion"] = "v1", ["fieldPath"] = "metadata.namespace" } }),
                        },
                    }),
                ["defaultMode"] = 420,
            },
        });
        foreach (var container in spec.Objects("containers").Concat(spec.Objects("initContainers")))
        {
            if (container["volumeMounts"] is not JsonArray mounts)
            {
                container["volumeMounts"] = mounts = [];
            }

            mounts.Add((JsonNode)new JsonObject { ["name"] = name, ["readOnly"] = true, ["mountPath"] = "/var/run/secrets/kubernetes.io/serviceaccount" });
        }
    }

    private void CompletePriority(JsonObject pod, JsonObject spec)
    {
        if (spec.Text("priorityClassName") is { Length: > 0 } name)
        {
            var found = store.Get(ResourceTypes.PriorityClasses, "", name) ?? throw Refusal(pod, $"no PriorityClass with name {name} was found");
            spec["priority"] = found.Number("value") ?? 0;
            spec["preemptionPolicy"] = found.Text("preemptionPolicy") ?? "PreemptLowerPriority";
            return;
        }

        spec["priority"] = 0;
        spec["preemptionPolicy"] = "PreemptLowerPriority";
    }

    private static void CompleteTolerations(JsonObject spec)
    {
        if (spec["tolerations"] is not JsonArray tolerations)
        {
            spec["tolerations"] = tolerations = [];
        }

        foreach (var key in (string[])["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
        {
            if (!tolerations.OfType<JsonObject>().Any(t => t.Text("key") == key && t.Text("effect") is "NoExecute" or null))
            {
                tolerations.Add((JsonNode)new JsonObject { ["key"] = key, ["operator"] = "Exists", ["effect"] = "NoExecute", ["tolerationSeconds"] = DefaultTolerationSeconds });
            }
        }
    }
}
