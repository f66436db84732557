using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Core.Policy;

/// <summary>One value that differs between two policies.</summary>
/// <param name="Path">Where, e.g. <c>$.tools.pod_restart.enabled</c>.</param>
/// <param name="Before">Its JSON; null: it was not there.</param>
/// <param name="After">Its JSON; null: it is not there any more.</param>
public sealed record PolicyDifference(string Path, string? Before, string? After);

/// <summary>What differs between two policies, value by value; lists are one value.</summary>
public static class PolicyDiff
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>In the order of the paths; empty when both say the same.</summary>
    public static IReadOnlyList<PolicyDifference> Between(JsonObject before, JsonObject after)
    {
        var differences = new List<PolicyDifference>();
        Compare("$", before, after, differences);
        differences.Sort((a, b) => string.CompareOrdinal(a.Path, b.Path));
        return differences;
    }

    private static void Compare(string path, JsonNode? before, JsonNode? after, List<PolicyDifference> differences)
    {
        // An object that comes or goes is told by what it holds; an empty one by itself.
        if (before is JsonObject or null && after is JsonObject or null && (before, after) is not ((null, JsonObject { Count: 0 }) or (JsonObject { Count: 0 }, null)))
        {
            var (b, a) = (before as JsonObject ?? [], after as JsonObject ?? []);
            foreach (var name in b.Select(m => m.Key).Union(a.Select(m => m.Key)))
                Compare($"{path}.{name}", b[name], a[name], differences);
        }
        else if (!JsonNode.DeepEquals(before, after))
            differences.Add(new(path, before?.ToJsonString(Readable), after?.ToJsonString(Readable)));
    }
}
