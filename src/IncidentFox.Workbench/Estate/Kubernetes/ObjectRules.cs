using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>What the API server checks before it takes a changed object.</summary>
internal static class ObjectRules
{
    private const string NameRule =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character "
        + @"(e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    private const string LabelRule =
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
        + "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

    private const int LongestName = 253;
    private const int LongestLabel = 63;
    private const int MostData = 1024 * 1024;

    /// <summary>A new object, once its defaults are in.</summary>
    public static void CheckNew(ResourceType type, JsonObject o)
    {
        var errors = new List<FieldError>();
        CheckMetadata(type, o, errors);
        switch (type.Kind)
        {
            case "Pod":
                PodRules.Check(o, errors);
                break;
            case "Deployment":
                CheckWorkload(o, errors);
                break;
            case "Lease":
                CheckLease(o, errors);
                break;
            case "Service" when o.Text("spec", "clusterIP") is { Length: > 0 } ip && ip != "None" && !ip.StartsWith("10.96.", StringComparison.Ordinal):
                errors.Add(FieldError.Value("spec.clusterIPs", $"[]string{{\"{ip}\"}}", $"failed to allocate IP {ip}: the provided network does not match the current range"));
                break;
            case "ConfigMap" or "Secret" when DataOf(o) > MostData:
                errors.Add(new("[]", "FieldValueTooLong", $"Too long: may not be more than {MostData} bytes"));
                break;
            case "Role" or "ClusterRole" or "RoleBinding" or "ClusterRoleBinding" or "RuntimeClass":
                CheckRequired(type, o, errors);
                break;
            default:
                break;
        }

        errors.AddRange(BodyValidator.Missing(type, o).Where(m => errors.TrueForAll(e => e.Field != m)).Select(m => FieldError.Required(m)));
        if (errors.Count > 0)
        {
            throw ApiException.Invalid(type.Group, type.Kind, o.Name(), errors);
        }
    }

    private static void CheckMetadata(ResourceType type, JsonObject o, List<FieldError> errors)
    {
        var name = o.Name();
        if (name.Length == 0)
        {
            errors.Add(FieldError.Required("metadata.name", "name or generateName is required"));
        }
        else if (!type.Group.StartsWith("rbac", StringComparison.Ordinal) && !IsName(name))
        {
            errors.Add(FieldError.Value("metadata.name", $"\"{name}\"", NameRule));
        }

        foreach (var (_, value) in o.At("metadata", "labels") as JsonObject ?? [])
        {
            if (value.Text() is not { } text || !IsLabel(text))
            {
                errors.Add(FieldError.Value("metadata.labels", $"\"{value.Text()}\"", LabelRule));
            }
        }

        CheckSecurityLabels(type, o, errors);
    }

    private static void CheckSecurityLabels(ResourceType type, JsonObject o, List<FieldError> errors)
    {
        foreach (var mode in type == ResourceTypes.Namespaces ? (string[])["enforce", "audit", "warn"] : [])
        {
            var label = $"pod-security.kubernetes.io/{mode}";
            if (o.Text("metadata", "labels", label) is { } level && !PodSecurity.IsLevel(level))
            {
                errors.Add(FieldError.Value($"metadata.labels[{label}]", $"\"{level}\"", "must be one of privileged, baseline, restricted"));
            }
        }
    }

    private static void CheckLease(JsonObject o, List<FieldError> errors)
    {
        if (o.Number("spec", "leaseDurationSeconds") is <= 0 and var seconds)
        {
            errors.Add(FieldError.Value("spec.leaseDurationSeconds", $"{seconds}", "must be greater than 0"));
        }

        if (o.Number("spec", "leaseTransitions") is < 0 and var transitions)
        {
            errors.Add(FieldError.Value("spec.leaseTransitions", $"{transitions}", "must be greater than or equal to 0"));
        }
    }

    private static void CheckRequired(ResourceType type, JsonObject o, List<FieldError> errors)
    {
        if (type == ResourceTypes.RuntimeClasses && string.IsNullOrEmpty(o.Text("handler")))
        {
            errors.Add(FieldError.Required("handler"));
        }

        if (type.Kind.EndsWith("Binding", StringComparison.Ordinal) && string.IsNullOrEmpty(o.Text("roleRef", "name")))
        {
            errors.Add(FieldError.Required("roleRef.name"));
        }

        foreach (var (rule, i) in o.Objects("rules").Select((r, i) => (r, i)))
        {
            if (rule["verbs"] is not JsonArray { Count: > 0 })
            {
                errors.Add(FieldError.Required($"rules[{i}].verbs", "verbs must contain at least one value"));
            }
        }
    }

    private static long DataOf(JsonObject o) => ((string[])["data", "binaryData"]).Sum(f => (o[f] as JsonObject ?? []).Sum(d => (long)(d.Value.Text()?.Length ?? 0)));

    private static bool IsName(string name) => name.Length <= LongestName && name.Split('.').All(
        part => part.Length > 0 && part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && part[0] != '-' && part[^1] != '-');

    private static bool IsLabel(string value) => value.Length == 0 || (value.Length <= LongestLabel
        && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && char.IsAsciiLetterOrDigit(value[0]) && char.IsAsciiLetterOrDigit(value[^1]));

    public static void CheckChange(ResourceType type, JsonObject before, JsonObject after)
    {
        CheckChangedFields(type, before, after);
        if (type != ResourceTypes.Deployments)
        {
            return;
        }

        var errors = new List<FieldError>();
        CheckWorkload(after, errors);
        if (!JsonNode.DeepEquals(before.At("spec", "selector"), after.At("spec", "selector")))
        {
            var labels = GoMap(after.At("spec", "selector", "matchLabels") as JsonObject ?? []);
            errors.Add(FieldError.Value(
                "spec.selector", $"v1.LabelSelector{{MatchLabels:{labels}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}}", "field is immutable"));
        }

        if (errors.Count > 0)
        {
            throw ApiException.Invalid(type.Group, type.Kind, after.Name(), errors);
        }
    }

    private static void CheckChangedFields(ResourceType type, JsonObject before, JsonObject after)
    {
        var errors = new List<FieldError>();
        CheckSecurityLabels(type, after, errors);
        if (type == ResourceTypes.Pods)
        {
            PodRules.CheckChange(before, after, errors);
        }
        else if (type == ResourceTypes.Leases)
        {
            CheckLease(after, errors);
        }

        if (errors.Count > 0)
        {
            throw ApiException.Invalid(type.Group, type.Kind, after.Name(), errors);
        }
    }

    private static void CheckWorkload(JsonObject after, List<FieldError> errors)
    {
        if (after.At("spec", "replicas") is { } replicas && after.Number("spec", "replicas") is not >= 0)
        {
            errors.Add(FieldError.Value("spec.replicas", replicas.ToJsonString(), "must be greater than or equal to 0"));
        }

        var templateLabels = after.At("spec", "template", "metadata", "labels") as JsonObject ?? [];
        if (!LabelSelector.FromMatchLabels(after.At("spec", "selector", "matchLabels")).Matches(new() { ["metadata"] = new JsonObject { ["labels"] = templateLabels.Copy() } }))
        {
            errors.Add(FieldError.Value("spec.template.metadata.labels", GoMap(templateLabels), "`selector` does not match template `labels`"));
        }

        var containers = after.Objects("spec", "template", "spec", "containers").ToList();
        if (containers.Count == 0)
        {
            errors.Add(FieldError.Required("spec.template.spec.containers"));
        }

        for (var i = 0; i < containers.Count; i++)
        {
            if (string.IsNullOrEmpty(containers[i].Text("image")))
            {
                errors.Add(FieldError.Required($"spec.template.spec.containers[{i}].image"));
            }
        }
    }

    /// <summary>What the API server fills in when a container leaves it out.</summary>
    public static void Default(JsonObject after)
    {
        foreach (var container in after.Objects("spec", "template", "spec", "containers"))
        {
            Defaults.OfContainer(container);
        }
    }

    private static string GoMap(JsonObject labels) =>
        $"map[string]string{{{string.Join(", ", labels.Select(l => $"\"{l.Key}\":\"{l.Value.Text()}\""))}}}";
}
