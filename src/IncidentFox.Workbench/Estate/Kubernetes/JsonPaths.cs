using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>Reading and building the JSON of objects. Objects of the store are shared and never changed: copy, then change.</summary>
internal static class JsonPaths
{
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            node = node is JsonObject parent ? parent[name] : null;
        }

        return node;
    }

    public static string? Text(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    public static long? Number(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.GetValueKind() == JsonValueKind.Number
            && long.TryParse(value.ToJsonString(), out var number) ? number : null;

    public static bool Flag(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.GetValueKind() == JsonValueKind.True;

    public static IEnumerable<JsonObject> Objects(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonArray array ? array.OfType<JsonObject>() : [];

    public static string Name(this JsonObject o) => o.Text("metadata", "name") ?? "";

    public static string Namespace(this JsonObject o) => o.Text("metadata", "namespace") ?? "";

    public static string Uid(this JsonObject o) => o.Text("metadata", "uid") ?? "";

    public static JsonObject Copy(this JsonObject o) => (JsonObject)o.DeepClone();

    /// <summary>A changed copy.</summary>
    public static JsonObject With(this JsonObject o, Action<JsonObject> change)
    {
        var copy = o.Copy();
        change(copy);
        return copy;
    }

    /// <summary>The child object of that name, made when missing.</summary>
    public static JsonObject Child(this JsonObject o, string name)
    {
        if (o[name] is not JsonObject child)
        {
            child = [];
            o[name] = child;
        }

        return child;
    }

    public static string Compacted(this JsonNode node) => node.ToJsonString(Compact);

    /// <summary>The API's time format: RFC 3339 with whole seconds.</summary>
    public static string Rfc3339(this DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");

    public static string Rfc3339Micro(this DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'");

    public static string Rfc3339Nano(this DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'");
}
