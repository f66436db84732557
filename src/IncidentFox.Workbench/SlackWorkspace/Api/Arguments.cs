using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Api;

/// <summary>The arguments of one Web API call, from the query, a form or a JSON body.</summary>
internal sealed class Arguments(JsonObject values)
{
    public JsonObject Values { get; } = values;

    public string? Text(string name) => Values[name] switch
    {
        null => null,
        JsonValue value => value.ToString(),
        var other => other.ToJsonString(),
    };

    public bool Flag(string name) => Text(name) is "1" or "true" or "True";

    public int Number(string name, int otherwise) => int.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;

    public bool Has(string name) => Values[name] is not null;

    /// <summary>An object or array, sent as JSON or as a string that holds JSON; null when it is neither.</summary>
    public T? Json<T>(string name)
        where T : JsonNode
    {
        if (Values[name] is T direct) return direct;
        if (Values[name] is not JsonValue value) return null;
        try
        {
            return JsonNode.Parse(value.ToString()) as T;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads the request as Slack does; a JSON body counts only for methods that accept one. Otherwise the error.</summary>
    public static async Task<(Arguments? Arguments, string? Error)> ReadAsync(HttpRequest request, bool acceptsJson)
    {
        var values = new JsonObject();
        foreach (var (name, value) in request.Query) values[name] = value.ToString();
        if (!HttpMethods.IsPost(request.Method) || request.ContentLength is null or 0) return (new Arguments(values), null);

        var type = request.ContentType?.Split(';')[0].Trim() ?? "";
        switch (type)
        {
            case "":
                return (null, "missing_post_type");
            case "application/x-www-form-urlencoded" or "multipart/form-data":
                foreach (var (name, value) in await request.ReadFormAsync()) values[name] = value.ToString();
                return (new Arguments(values), null);
            case "application/json":
                return await ReadJsonAsync(request, values, acceptsJson);
            default:
                return (null, "invalid_post_type");
        }
    }

    private static async Task<(Arguments? Arguments, string? Error)> ReadJsonAsync(HttpRequest request, JsonObject values, bool acceptsJson)
    {
        JsonNode? body;
        try
        {
            body = await JsonNode.ParseAsync(request.Body);
        }
        catch (JsonException)
        {
            return (null, "invalid_json");
        }

        if (body is not JsonObject json) return (null, "json_not_object");
        if (acceptsJson)
        {
            foreach (var (name, value) in json) values[name] = value?.DeepClone();
        }

        return (new Arguments(values), null);
    }
}
