using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>What makes a pod valid, as far as pods of this product and of the recordings go wrong.</summary>
internal static class PodRules
{
    private const int MostPort = 65535;

    public static void Check(JsonObject pod, List<FieldError> errors)
    {
        var spec = pod["spec"] as JsonObject ?? [];
        var volumes = spec.Objects("volumes").Select(v => v.Text("name")).ToHashSet(StringComparer.Ordinal);
        CheckVolumes(spec, errors);
        var containers = spec.Objects("containers").ToList();
        if (containers.Count == 0)
        {
            errors.Add(FieldError.Required("spec.containers"));
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < containers.Count; i++)
        {
            CheckContainer(containers[i], $"spec.containers[{i}]", volumes, names, errors);
        }

        if (spec.Text("restartPolicy") is not ("Always" or "OnFailure" or "Never"))
        {
            errors.Add(FieldError.Unsupported("spec.restartPolicy", $"\"{spec.Text("restartPolicy")}\"", "\"Always\", \"OnFailure\", \"Never\""));
        }

        CheckDns(spec, errors);
        if (spec.Number("activeDeadlineSeconds") is { } deadline and (< 1 or > int.MaxValue))
        {
            errors.Add(FieldError.Value("spec.activeDeadlineSeconds", $"{deadline}", "must be between 1 and 2147483647, inclusive"));
        }

        if (spec.Number("terminationGracePeriodSeconds") is < 0 and var grace)
        {
            errors.Add(FieldError.Value("spec.terminationGracePeriodSeconds", $"{grace}", "must be greater than or equal to 0"));
        }
    }

    /// <summary>Of a pod's spec only images, the deadline (set or shortened) and added tolerations may change.</summary>
    public static void CheckChange(JsonObject before, JsonObject after, List<FieldError> errors)
    {
        JsonObject Fixed(JsonObject pod) => (pod["spec"] as JsonObject ?? []).With(s =>
        {
            s.Remove("activeDeadlineSeconds");
            s.Remove("tolerations");
            s.Remove("terminationGracePeriodSeconds");
            foreach (var container in s.Objects("containers").Concat(s.Objects("initContainers")))
            {
                container.Remove("image");
            }
        });
        if (!JsonNode.DeepEquals(Fixed(before), Fixed(after)))
        {
            errors.Add(FieldError.Forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"));
        }

        var (old, wanted) = (before.Number("spec", "activeDeadlineSeconds"), after.Number("spec", "activeDeadlineSeconds"));
        if (old is not null && wanted is null)
        {
            errors.Add(FieldError.Value("spec.activeDeadlineSeconds", "null", "must not update from a positive integer to nil value"));
        }
        else if (wanted > old)
        {
            errors.Add(FieldError.Value("spec.activeDeadlineSeconds", $"{wanted}", "must be less than or equal to previous value"));
        }
    }

    private static void CheckContainer(JsonObject container, string at, HashSet<string?> volumes, HashSet<string> names, List<FieldError> errors)
    {
        if (container.Text("name") is not { Length: > 0 } name)
        {
            errors.Add(FieldError.Required($"{at}.name"));
        }
        else if (!names.Add(name))
        {
            errors.Add(new($"{at}.name", "FieldValueDuplicate", $"Duplicate value: \"{name}\""));
        }

        if (string.IsNullOrEmpty(container.Text("image")))
        {
            errors.Add(FieldError.Required($"{at}.image"));
        }

        foreach (var (port, i) in container.Objects("ports").Select((p, i) => (p, i)))
        {
            if (port.Number("containerPort") is not (>= 1 and <= MostPort))
            {
                errors.Add(FieldError.Value($"{at}.ports[{i}].containerPort", $"{port.Number("containerPort") ?? 0}", "must be between 1 and 65535, inclusive"));
            }
        }

        CheckResources(container, at, errors);
        foreach (var (mount, i) in container.Objects("volumeMounts").Select((m, i) => (m, i)))
        {
            if (!volumes.Contains(mount.Text("name")))
            {
                errors.Add(new($"{at}.volumeMounts[{i}].name", "FieldValueNotFound", $"Not found: \"{mount.Text("name")}\""));
            }
        }
    }

    private static void CheckResources(JsonObject container, string at, List<FieldError> errors)
    {
        foreach (var (resource, request) in container.At("resources", "requests") as JsonObject ?? [])
        {
            if (request.Text() is { } asked && container.Text("resources", "limits", resource) is { } limit && Quantities.Parse(asked) > Quantities.Parse(limit))
            {
                errors.Add(FieldError.Value($"{at}.resources.requests", $"\"{asked}\"", $"must be less than or equal to {resource} limit of {limit}"));
            }
        }
    }

    private static void CheckVolumes(JsonObject spec, List<FieldError> errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (volume, i) in spec.Objects("volumes").Select((v, i) => (v, i)))
        {
            if (!names.Add(volume.Text("name") ?? ""))
            {
                errors.Add(new($"spec.volumes[{i}].name", "FieldValueDuplicate", $"Duplicate value: \"{volume.Text("name")}\""));
            }

            foreach (var (source, j) in volume.Objects("projected", "sources").Select((s, j) => (s, j)))
            {
                if (source.Number("serviceAccountToken", "expirationSeconds") is < 600)
                {
                    errors.Add(FieldError.Value(
                        $"spec.volumes[{i}].projected.sources[{j}].serviceAccountToken.expirationSeconds", $"{source.Number("serviceAccountToken", "expirationSeconds")}",
                        "may not specify a duration less than 10 minutes"));
                }
            }
        }
    }

    private static void CheckDns(JsonObject spec, List<FieldError> errors)
    {
        if (spec.Text("dnsPolicy") is not ("ClusterFirst" or "ClusterFirstWithHostNet" or "Default" or "None"))
        {
            errors.Add(FieldError.Unsupported(
                "spec.dnsPolicy", $"\"{spec.Text("dnsPolicy")}\"", "\"ClusterFirst\", \"ClusterFirstWithHostNet\", \"Default\", \"None\""));
        }
        else if (spec.Text("dnsPolicy") == "None" && spec.At("dnsConfig", "nameservers") is not JsonArray { Count: > 0 })
        {
            errors.Add(FieldError.Required("spec.dnsConfig.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None"));
        }
    }
}
