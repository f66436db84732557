using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>The members of an object and their types, whatever their values: `spec.containers[].name string`.</summary>
internal static class Shape
{
    public static IReadOnlyList<string> Of(JsonObject o)
    {
        var paths = new SortedSet<string>(StringComparer.Ordinal);
        Walk(o, "", paths);
        return [.. paths];
    }

    private static void Walk(JsonNode? node, string path, SortedSet<string> paths)
    {
        if (path.EndsWith("metadata.managedFields", StringComparison.Ordinal))
        {
            return; // who wrote what is not kept for every writer
        }

        switch (node)
        {
            case JsonObject o:
                paths.Add($"{path} object");
                foreach (var (name, child) in o)
                {
                    Walk(child, path.Length == 0 ? name : $"{path}.{name}", paths);
                }

                break;
            case JsonArray list:
                paths.Add($"{path} array");
                foreach (var item in list)
                {
                    Walk(item, $"{path}[]", paths);
                }

                break;
            default:
                var kind = node?.GetValueKind() ?? JsonValueKind.Null;
                paths.Add($"{path} {(kind is JsonValueKind.True or JsonValueKind.False ? "bool" : kind.ToString())}");
                break;
        }
    }
}
