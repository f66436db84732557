using System.Text.Json.Nodes;

namespace IncidentFox.Core.Policy;

/// <summary>
/// One policy of several layers: the configuration's, the organization's, the team's. A later layer's member replaces an earlier one's; objects are
/// merged member by member, everything else is replaced whole. So a layer says only what it wants otherwise.
/// </summary>
public static class PolicyLayers
{
    /// <summary>Combines and checks; the paths of errors are those of the combined policy, which are the layer's own.</summary>
    /// <param name="file">The lowest layer.</param>
    /// <param name="layers">The others' JSON, in order; null: there is none.</param>
    public static PolicyParse Combine(ToolPolicy file, params ReadOnlySpan<string?> layers)
    {
        var (merged, fault) = ToolPolicyParser.ReadObject(file.Json);
        foreach (var layer in layers)
        {
            if (layer is null || merged is null)
                continue;
            var (root, error) = ToolPolicyParser.ReadObject(layer);
            if (root is null)
                return new(null, [error!]);
            Merge(merged, root);
        }
        return merged is null ? new(null, [fault!]) : ToolPolicyParser.Parse(merged);
    }

    private static void Merge(JsonObject below, JsonObject above)
    {
        foreach (var (name, value) in above)
        {
            if (value is JsonObject inner && below[name] is JsonObject outer)
                Merge(outer, inner);
            else
                below[name] = value?.DeepClone();
        }
    }
}
