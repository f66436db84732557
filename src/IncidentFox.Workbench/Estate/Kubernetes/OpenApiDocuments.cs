using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>The recorded OpenAPI documents: one per group and version, read when it is first needed.</summary>
internal static class OpenApiDocuments
{
    private const string Prefix = "#/components/schemas/";
    private static readonly ConcurrentDictionary<string, (byte[] Bytes, JsonObject Schemas)?> Documents = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<(string Group, string Version, string Kind), string?> Names = new();

    /// <summary>`/openapi/v3`: the documents there are.</summary>
    public static JsonObject Index()
    {
        var paths = new JsonObject();
        foreach (var version in ResourceTypes.All.Select(t => t.ApiVersion).Distinct().Where(v => Find(v) is not null))
        {
            var path = version.Contains('/', StringComparison.Ordinal) ? $"apis/{version}" : $"api/{version}";
            paths[path] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{path}" };
        }

        return new() { ["paths"] = paths };
    }

    /// <summary>The document as JSON text, or null when there is none for that `apiVersion`.</summary>
    public static byte[]? Text(string apiVersion) => Find(apiVersion)?.Bytes;

    /// <summary>The schema of a kind and the name it has; null for a group without a document.</summary>
    public static (string Name, JsonObject Schema)? Of(ResourceType type)
    {
        if (Find(type.ApiVersion) is not { } document)
        {
            return null;
        }

        var name = Names.GetOrAdd((type.Group, type.Version, type.Kind), key => document.Schemas.FirstOrDefault(s =>
            s.Value.Objects("x-kubernetes-group-version-kind").ToList() is [var only]
            && only.Text("group") == key.Group && only.Text("version") == key.Version && only.Text("kind") == key.Kind).Key);
        return name is null ? null : (name, (JsonObject)document.Schemas[name]!);
    }

    /// <summary>Follows a reference, direct or the only one of `allOf`.</summary>
    public static (string? Name, JsonObject Schema) Resolve(string apiVersion, JsonObject schema)
    {
        var reference = schema.Text("$ref") ?? schema.Objects("allOf").FirstOrDefault().Text("$ref");
        if (reference is null)
        {
            return (null, schema);
        }

        var name = reference[Prefix.Length..];
        return (name, (JsonObject)Find(apiVersion)!.Value.Schemas[name]!);
    }

    private static (byte[] Bytes, JsonObject Schemas)? Find(string apiVersion) => Documents.GetOrAdd(apiVersion, Read);

    private static (byte[] Bytes, JsonObject Schemas)? Read(string apiVersion)
    {
        var name = apiVersion.Contains('/', StringComparison.Ordinal) ? apiVersion.Replace("/", "__", StringComparison.Ordinal) : $"api__{apiVersion}";
        using var resource = typeof(OpenApiDocuments).Assembly.GetManifestResourceStream($"openapi/{name}.json.gz");
        if (resource is null)
        {
            return null;
        }

        using var unzipped = new GZipStream(resource, CompressionMode.Decompress);
        using var text = new MemoryStream();
        unzipped.CopyTo(text);
        var bytes = text.ToArray();
        var document = (JsonObject)JsonNode.Parse(bytes)!;
        var schemas = (JsonObject)document.At("components", "schemas")!;
        ObjectStore.Touch(schemas);
        return (bytes, schemas);
    }
}
