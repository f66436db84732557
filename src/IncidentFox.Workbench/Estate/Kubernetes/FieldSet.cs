using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>The fields that an applied object sets, as `managedFields` writes them: lists with keys by key, other lists as one.</summary>
internal static class FieldSet
{
    /// <summary>The path of every leaf; each step is `f:name` or `k:{"name":"x"}`.</summary>
    public static HashSet<string> Of(JsonObject applied)
    {
        var fields = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, value) in applied)
        {
            if (name is "kind" or "apiVersion")
            {
                continue;
            }

            if (name == "metadata")
            {
                foreach (var (field, inner) in (JsonObject)value!)
                {
                    if (field is "labels" or "annotations" or "finalizers" or "ownerReferences")
                    {
                        Add(fields, inner, $"f:metadata\0f:{field}", field);
                    }
                }
            }
            else
            {
                Add(fields, value, $"f:{name}", name);
            }
        }

        return fields;
    }

    public static HashSet<string> Read(JsonNode? fieldsV1)
    {
        var fields = new HashSet<string>(StringComparer.Ordinal);
        void Walk(JsonObject node, string path)
        {
            foreach (var (step, child) in node)
            {
                if (step == ".")
                {
                    continue;
                }

                var at = path.Length == 0 ? step : $"{path}\0{step}";
                if (child is JsonObject { Count: > 0 } inner)
                {
                    Walk(inner, at);
                }
                else
                {
                    fields.Add(at);
                }
            }
        }

        Walk(fieldsV1 as JsonObject ?? [], "");
        return fields;
    }

    public static JsonObject Write(IEnumerable<string> fields)
    {
        var root = new JsonObject();
        foreach (var field in fields.Order(StringComparer.Ordinal))
        {
            var node = root;
            foreach (var step in field.Split('\0'))
            {
                node = node.Child(step);
            }
        }

        return root;
    }

    /// <summary>The value at a path, or null.</summary>
    public static JsonNode? Value(JsonObject o, string path)
    {
        JsonNode? node = o;
        foreach (var step in path.Split('\0'))
        {
            node = Step(node, step);
        }

        return node;
    }

    /// <summary>Takes a leaf out, and what held nothing else.</summary>
    public static void Remove(JsonObject o, string path)
    {
        var steps = path.Split('\0');
        for (var depth = steps.Length; depth > 0; depth--)
        {
            JsonNode? parent = o;
            foreach (var step in steps[..(depth - 1)])
            {
                parent = Step(parent, step);
            }

            var child = Step(parent, steps[depth - 1]);
            if (depth < steps.Length && child is JsonObject { Count: > 0 } or JsonArray { Count: > 0 })
            {
                return;
            }

            // A list's element is told by its key alone once all else is gone.
            if (parent is JsonArray list && child is not null)
            {
                list.Remove(child);
            }
            else
            {
                (parent as JsonObject)?.Remove(steps[depth - 1][2..]);
            }
        }
    }

    /// <summary>As a conflict names it: `.spec.replicas`.</summary>
    public static string Shown(string path) => string.Concat(path.Split('\0').Select(s => s.StartsWith("f:", StringComparison.Ordinal) ? $".{s[2..]}" : $"[{s[2..].Trim('{', '}').Replace(":", "=", StringComparison.Ordinal)}]"));

    private static JsonNode? Step(JsonNode? node, string step)
    {
        if (step.StartsWith("f:", StringComparison.Ordinal))
        {
            return (node as JsonObject)?[step[2..]];
        }

        var key = (JsonObject)JsonNode.Parse(step[2..])!;
        return (node as JsonArray)?.FirstOrDefault(e => key.All(k => JsonNode.DeepEquals(e.At(k.Key), k.Value)));
    }

    private static void Add(HashSet<string> fields, JsonNode? value, string path, string name)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 } o:
                foreach (var (field, child) in o)
                {
                    Add(fields, child, $"{path}\0f:{field}", field);
                }

                break;
            case JsonArray list when MergePatch.KeyOf(name, list) is { } key:
                foreach (var element in list.OfType<JsonObject>())
                {
                    var at = $"{path}\0k:{new JsonObject { [key] = element[key]?.DeepClone() }.Compacted()}";
                    foreach (var (field, child) in element)
                    {
                        Add(fields, child, $"{at}\0f:{field}", field);
                    }
                }

                break;
            default:
                fields.Add(path);
                break;
        }
    }
}
