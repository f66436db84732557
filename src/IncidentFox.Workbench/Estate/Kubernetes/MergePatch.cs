using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>Merge patches: RFC 7386, where a list replaces a list, and Kubernetes' strategic kind, where known lists merge by key.</summary>
internal static class MergePatch
{
    /// <summary>The lists that merge, by field name, with the key that tells their elements apart.</summary>
    private static readonly Dictionary<string, string> MergeKeys = new(StringComparer.Ordinal)
    {
        ["containers"] = "name",
        ["initContainers"] = "name",
        ["env"] = "name",
        ["volumes"] = "name",
        ["volumeMounts"] = "mountPath",
        ["ports"] = "containerPort",
        ["conditions"] = "type",
        ["ownerReferences"] = "uid",
    };

    /// <summary>What tells the elements of a list apart; null for a list that is replaced as one.</summary>
    public static string? KeyOf(string field, JsonArray list) =>
        field == "ports" && list.OfType<JsonObject>().Any(p => p.ContainsKey("port")) ? "port" : MergeKeys.GetValueOrDefault(field);

    public static JsonObject Apply(JsonObject target, JsonNode? patch, bool strategic)
    {
        if (patch is not JsonObject changes)
        {
            throw ApiException.BadRequest("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}");
        }

        var result = target.Copy();
        Merge(result, changes, strategic);
        return result;
    }

    private static void Merge(JsonObject target, JsonObject changes, bool strategic)
    {
        foreach (var (name, value) in changes)
        {
            if (strategic && name == "$patch")
            {
                continue;
            }

            switch (value)
            {
                case null:
                    target.Remove(name);
                    break;
                case JsonObject child when strategic && child.Text("$patch") == "replace":
                    var replacement = child.Copy();
                    replacement.Remove("$patch");
                    target[name] = replacement;
                    break;
                case JsonObject child:
                    Merge(target.Child(name), child, strategic);
                    break;
                case JsonArray list when strategic && KeyOf(name, list) is { } key && target[name] is JsonArray existing:
                    MergeList(existing, list, key);
                    break;
                default:
                    target[name] = value.DeepClone();
                    break;
            }
        }
    }

    /// <summary>New elements go first, as the API server's own merge has it.</summary>
    private static void MergeList(JsonArray existing, JsonArray changes, string key)
    {
        var added = 0;
        foreach (var change in changes.OfType<JsonObject>())
        {
            var at = IndexOf(existing, key, change.At(key));
            if (change.Text("$patch") == "delete")
            {
                if (at >= 0)
                {
                    existing.RemoveAt(at);
                }
            }
            else if (at >= 0)
            {
                Merge((JsonObject)existing[at]!, change, strategic: true);
            }
            else
            {
                existing.Insert(added++, change.Copy());
            }
        }
    }

    private static int IndexOf(JsonArray list, string key, JsonNode? value)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (JsonNode.DeepEquals(list[i].At(key), value))
            {
                return i;
            }
        }

        return -1;
    }
}
