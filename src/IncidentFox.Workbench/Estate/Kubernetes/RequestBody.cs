using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>The object that a POST or PUT sends: one of the kind that its path names, with fields of the right types.</summary>
internal static class RequestBody
{
    public static JsonObject Read(ResourceType type, ApiRequest request, out List<string> warnings)
    {
        var body = Parse(type, request.BodyText);
        // What says neither is taken for what the path names, as the server's decoder does.
        body["kind"] = body.Text("kind") is { Length: > 0 } kind ? kind : kind = type.Kind;
        body["apiVersion"] = body.Text("apiVersion") is { Length: > 0 } version ? version : version = type.ApiVersion;
        if (kind != type.Kind)
        {
            throw ApiException.BadRequest(
                $"{kind} in version \"{version.Split('/')[^1]}\" cannot be handled as a {type.Kind}: converting (v1.{kind}) to ({Internal(type)}.{type.Kind}): unknown conversion");
        }

        if (version != type.ApiVersion)
        {
            throw ApiException.BadRequest($"the API version in the data ({version}) does not match the expected API version ({type.ApiVersion})");
        }

        warnings = FieldValidation.Apply(type, body, request);
        return body;
    }

    private static JsonObject Parse(ResourceType type, string text)
    {
        try
        {
            if (JsonNode.Parse(text, nodeOptions: null, new() { AllowDuplicateProperties = false }) is JsonObject o)
            {
                return o;
            }
        }
        catch (JsonException)
        {
            throw Unrecognized(type, text, "unexpected end of JSON input");
        }

        throw Unrecognized(type, text, "json: cannot unmarshal into Go value of type struct { APIVersion string; Kind string }");
    }

    private static ApiException Unrecognized(ResourceType type, string text, string why) => ApiException.BadRequest(
        $"the object provided is unrecognized (must be of type {type.Kind}): couldn't get version/kind; json parse error: {why} ({Cut(text)})");

    private static string Cut(string text) => text.Length <= 30 ? text : $"{text[..30]} ...";

    private static string Internal(ResourceType type) => type.Group.Length == 0 ? "core" : type.Group.Split('.')[0];
}
