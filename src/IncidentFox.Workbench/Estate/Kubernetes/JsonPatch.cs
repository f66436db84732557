using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>RFC 6902. What does not apply, a failed `test` included, is 422 Invalid; what cannot be read is 400.</summary>
internal static class JsonPatch
{
    public static JsonObject Apply(JsonObject target, JsonNode? patch)
    {
        if (patch is not JsonArray operations)
        {
            throw ApiException.BadRequest("error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp");
        }

        JsonNode? document = target.Copy();
        foreach (var operation in operations)
        {
            document = ApplyOne(document, operation);
        }

        return document as JsonObject ?? throw ApiException.PatchDoesNotApply();
    }

    private static JsonNode? ApplyOne(JsonNode? document, JsonNode? operation)
    {
        var path = operation.Text("path") ?? throw ApiException.PatchDoesNotApply();
        switch (operation.Text("op"))
        {
            case "test":
                return JsonNode.DeepEquals(Read(document, path), operation.At("value")) ? document : throw ApiException.PatchDoesNotApply();
            case "add":
                return Add(document, path, operation.At("value")?.DeepClone());
            case "replace":
                return Replace(document, path, operation.At("value")?.DeepClone());
            case "remove":
                Remove(document, path);
                return document;
            case "copy":
                return Add(document, path, Read(document, From(operation))?.DeepClone());
            case "move":
                var moved = Read(document, From(operation))?.DeepClone();
                Remove(document, From(operation));
                return Add(document, path, moved);
            default:
                throw ApiException.PatchDoesNotApply();
        }
    }

    private static string From(JsonNode? operation) => operation.Text("from") ?? throw ApiException.PatchDoesNotApply();

    private static JsonNode? Read(JsonNode? document, string path)
    {
        var node = document;
        foreach (var token in Tokens(path))
        {
            node = node switch
            {
                JsonObject o when o.TryGetPropertyValue(token, out var child) => child,
                JsonArray array => array[Index(token, array.Count - 1)],
                _ => throw ApiException.PatchDoesNotApply(),
            };
        }

        return node;
    }

    private static JsonNode? Add(JsonNode? document, string path, JsonNode? value)
    {
        if (path.Length == 0)
        {
            return value;
        }

        var (parent, last) = Parent(document, path);
        switch (parent)
        {
            case JsonObject o:
                o[last] = value;
                break;
            case JsonArray array:
                array.Insert(last == "-" ? array.Count : Index(last, array.Count), value);
                break;
            default:
                throw ApiException.PatchDoesNotApply();
        }

        return document;
    }

    private static JsonNode? Replace(JsonNode? document, string path, JsonNode? value)
    {
        Read(document, path); // what is not there cannot be replaced
        if (path.Length == 0)
        {
            return value;
        }

        var (parent, last) = Parent(document, path);
        if (parent is JsonArray array)
        {
            array[Index(last, array.Count - 1)] = value;
        }
        else
        {
            ((JsonObject)parent!)[last] = value;
        }

        return document;
    }

    private static void Remove(JsonNode? document, string path)
    {
        Read(document, path);
        var (parent, last) = Parent(document, path);
        if (parent is JsonArray array)
        {
            array.RemoveAt(Index(last, array.Count - 1));
        }
        else
        {
            ((JsonObject)parent!).Remove(last);
        }
    }

    private static (JsonNode? Parent, string Last) Parent(JsonNode? document, string path)
    {
        var at = path.LastIndexOf('/');
        return at < 0 ? throw ApiException.PatchDoesNotApply() : (Read(document, path[..at]), Unescape(path[(at + 1)..]));
    }

    private static IEnumerable<string> Tokens(string path) =>
        path.Length == 0 ? []
        : path[0] == '/' ? path[1..].Split('/').Select(Unescape)
        : throw ApiException.PatchDoesNotApply();

    private static string Unescape(string token) =>
        token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);

    private static int Index(string token, int max) =>
        int.TryParse(token, out var index) && index >= 0 && index <= max ? index : throw ApiException.PatchDoesNotApply();
}
