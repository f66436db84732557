using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>What the API server checks before it takes a changed object.</summary>
internal static class ObjectRules
{
    public static void CheckChange(ResourceType type, JsonObject before, JsonObject after)
    {
        if (type != ResourceTypes.Deployments)
        {
            return;
        }

        var errors = new List<FieldError>();
        if (after.At("spec", "replicas") is { } replicas && after.Number("spec", "replicas") is not >= 0)
        {
            errors.Add(FieldError.Value("spec.replicas", replicas.ToJsonString(), "must be greater than or equal to 0"));
        }

        var templateLabels = after.At("spec", "template", "metadata", "labels") as JsonObject ?? [];
        if (!LabelSelector.FromMatchLabels(after.At("spec", "selector", "matchLabels")).Matches(new() { ["metadata"] = new JsonObject { ["labels"] = templateLabels.Copy() } }))
        {
            errors.Add(FieldError.Value("spec.template.metadata.labels", GoMap(templateLabels), "`selector` does not match template `labels`"));
        }

        if (!JsonNode.DeepEquals(before.At("spec", "selector"), after.At("spec", "selector")))
        {
            var labels = GoMap(after.At("spec", "selector", "matchLabels") as JsonObject ?? []);
            errors.Add(FieldError.Value(
                "spec.selector", $"v1.LabelSelector{{MatchLabels:{labels}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}}", "field is immutable"));
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

        if (errors.Count > 0)
        {
            throw ApiException.Invalid(type.Group, type.Kind, after.Name(), errors);
        }
    }

    /// <summary>What the API server fills in when a container leaves it out.</summary>
    public static void Default(JsonObject after)
    {
        foreach (var container in after.Objects("spec", "template", "spec", "containers"))
        {
            container["resources"] ??= new JsonObject();
            container["terminationMessagePath"] ??= "/dev/termination-log";
            container["terminationMessagePolicy"] ??= "File";
            var tag = container.Text("image")?.Split('/')[^1].Split(':').ElementAtOrDefault(1) ?? "latest";
            container["imagePullPolicy"] ??= tag == "latest" ? "Always" : "IfNotPresent";
        }
    }

    private static string GoMap(JsonObject labels) =>
        $"map[string]string{{{string.Join(", ", labels.Select(l => $"\"{l.Key}\":\"{l.Value.Text()}\""))}}}";
}
