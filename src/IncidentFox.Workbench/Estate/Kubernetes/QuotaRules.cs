using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>ResourceQuotas and LimitRanges, as far as they concern pods.</summary>
internal sealed class QuotaRules(ObjectStore store)
{
    private static readonly string[] Compute =
        ["cpu", "memory", "requests.cpu", "requests.memory", "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage"];

    /// <summary>Defaults of containers that name none, and their greatest limits.</summary>
    public void ApplyLimitRanges(JsonObject pod, string ns)
    {
        var rules = store.List(ResourceTypes.LimitRanges, ns).SelectMany(r => r.Objects("spec", "limits")).Where(l => l.Text("type") == "Container").ToList();
        var set = new List<string>();
        foreach (var container in pod.Objects("spec", "containers"))
        {
            foreach (var rule in rules)
            {
                Fill(container, "requests", rule["defaultRequest"], set);
                Fill(container, "limits", rule["default"], set);
                foreach (var (resource, most) in rule["max"] as JsonObject ?? [])
                {
                    if (container.Text("resources", "limits", resource) is { } limit && Quantities.Parse(limit) > Quantities.Parse(most.Text() ?? "0"))
                    {
                        throw PodAdmission.Refusal(pod, $"maximum {resource} usage per Container is {most.Text()}, but limit is {limit}");
                    }
                }
            }
        }

        if (set.Count > 0)
        {
            pod.Child("metadata").Child("annotations")["kubernetes.io/limit-ranger"] = $"LimitRanger plugin set: {string.Join("; ", set)}";
        }
    }

    public void Enforce(JsonObject pod, string ns)
    {
        foreach (var quota in store.List(ResourceTypes.ResourceQuotas, ns))
        {
            var hard = Hard(quota);
            var missing = hard.Keys.Where(Compute.Contains).Order(StringComparer.Ordinal)
                .Select(r => (Resource: r, Containers: pod.Objects("spec", "containers").Where(c => Amount(c, r) is null).Select(c => c.Text("name")).ToList()))
                .Where(m => m.Containers.Count > 0).ToList();
            if (missing.Count > 0)
            {
                var listed = string.Join("; ", missing.Select(m => $"{m.Resource} for: {string.Join(',', m.Containers)}"));
                throw PodAdmission.Refusal(pod, $"failed quota: {quota.Name()}: must specify {listed}");
            }

            var used = Used(quota, ns);
            var asked = hard.Keys.ToDictionary(r => r, r => Of(pod, r), StringComparer.Ordinal);
            var exceeded = hard.Where(h => asked[h.Key] > 0 && used[h.Key] + asked[h.Key] > Quantities.Parse(h.Value)).Select(h => h.Key).Order(StringComparer.Ordinal).ToList();
            if (exceeded.Count > 0)
            {
                string Listed(Func<string, string> value) => string.Join(',', exceeded.Select(r => $"{r}={value(r)}"));
                throw PodAdmission.Refusal(
                    pod,
                    $"exceeded quota: {quota.Name()}, requested: {Listed(r => Text(asked[r], r))}, used: {Listed(r => Text(used[r], r))}, limited: {Listed(r => hard[r])}");
            }
        }
    }

    /// <summary>What the quota's own status shows.</summary>
    public JsonObject Status(JsonObject quota)
    {
        var used = Used(quota, quota.Namespace());
        return new()
        {
            ["hard"] = quota.At("spec", "hard")?.DeepClone(),
            ["used"] = new JsonObject(used.OrderBy(u => u.Key, StringComparer.Ordinal).Select(u => KeyValuePair.Create(u.Key, (JsonNode?)Text(u.Value, u.Key)))),
        };
    }

    private Dictionary<string, decimal> Used(JsonObject quota, string ns)
    {
        var pods = store.List(ResourceTypes.Pods, ns).Where(p => p.Text("status", "phase") is not ("Succeeded" or "Failed")).ToList();
        return Hard(quota).Keys.ToDictionary(r => r, r => pods.Sum(p => Of(p, r)), StringComparer.Ordinal);
    }

    private static Dictionary<string, string> Hard(JsonObject quota) =>
        (quota.At("spec", "hard") as JsonObject ?? []).ToDictionary(h => h.Key, h => h.Value.Text() ?? h.Value?.ToJsonString() ?? "0", StringComparer.Ordinal);

    private static decimal Of(JsonObject pod, string resource) => resource switch
    {
        "pods" or "count/pods" => 1,
        _ when Compute.Contains(resource) => pod.Objects("spec", "containers").Sum(c => Quantities.Parse(Amount(c, resource) ?? "0")),
        _ => 0,
    };

    private static string? Amount(JsonObject container, string resource) => resource.Split('.') switch
    {
        ["limits", var name] => container.Text("resources", "limits", name),
        ["requests", var name] => container.Text("resources", "requests", name),
        [var name] => container.Text("resources", "requests", name),
        _ => null,
    };

    private static string Text(decimal value, string resource) =>
        Quantities.Format(value, binary: resource.EndsWith("memory", StringComparison.Ordinal) || resource.EndsWith("storage", StringComparison.Ordinal));

    private static void Fill(JsonObject container, string what, JsonNode? defaults, List<string> set)
    {
        var filled = (defaults as JsonObject ?? []).Where(d => container.At("resources", what, d.Key) is null).ToList();
        foreach (var (resource, amount) in filled)
        {
            container.Child("resources").Child(what)[resource] = amount?.DeepClone();
        }

        if (filled.Count > 0)
        {
            set.Add($"{string.Join(", ", filled.Select(f => f.Key))} {what.TrimEnd('s')} for container {container.Text("name")}");
        }
    }
}
