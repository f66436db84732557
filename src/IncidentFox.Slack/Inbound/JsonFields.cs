using System.Text;
using System.Text.Json;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Slack.Inbound;

/// <summary>What Slack sent does not have the shape it must have. The message is for the log; it holds nothing of the request.</summary>
internal sealed class MalformedPayloadException(string message) : Exception(message);

/// <summary>Reads fields of Slack's JSON: a field of the wrong kind is an error, never silently absent.</summary>
internal static class JsonFields
{
    private const int MaxString = 64 * 1024;

    public static JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        var document = SlackJson.TryParse(json) ?? throw new MalformedPayloadException("not valid JSON, nested too deeply, or a key given twice");
        if (document.RootElement.ValueKind == JsonValueKind.Object)
        {
            return document;
        }

        document.Dispose();
        throw new MalformedPayloadException("not a JSON object");
    }

    public static JsonDocument Parse(string json) => Parse(Encoding.UTF8.GetBytes(json));

    public static JsonElement? Object(this JsonElement parent, string name) => parent.Field(name, JsonValueKind.Object);

    public static IEnumerable<JsonElement> Items(this JsonElement parent, string name)
    {
        if (parent.Field(name, JsonValueKind.Array) is not { } array)
        {
            return [];
        }

        return array.GetArrayLength() <= 1000 ? array.EnumerateArray() : throw new MalformedPayloadException($"{name} has too many entries");
    }

    public static string? Text(this JsonElement parent, string name) =>
        parent.Field(name, JsonValueKind.String) is { } field ? Value(field, name) : null;

    public static string RequiredText(this JsonElement parent, string name) =>
        parent.Text(name) is { Length: > 0 } text ? text : throw new MalformedPayloadException($"{name} is missing");

    /// <summary>An id that Slack made. What is not shaped like one never gets further.</summary>
    public static string? Id(this JsonElement parent, string name) => CheckedId(parent.Text(name), name);

    public static string RequiredId(this JsonElement parent, string name) =>
        parent.Id(name) ?? throw new MalformedPayloadException($"{name} is missing");

    public static string? CheckedId(string? id, string name) =>
        id is null or "" ? null : SlackId.IsId(id) ? id : throw new MalformedPayloadException($"{name} is not a Slack id");

    public static bool Flag(this JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var field) && field.ValueKind == JsonValueKind.True;

    public static string Value(JsonElement text, string name)
    {
        string value;
        try
        {
            value = text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new MalformedPayloadException($"{name} holds half a character");
        }

        return value.Length <= MaxString && !value.Contains('\0')
            ? value
            : throw new MalformedPayloadException($"{name} is too long or holds NUL");
    }

    private static JsonElement? Field(this JsonElement parent, string name, JsonValueKind kind)
    {
        if (!parent.TryGetProperty(name, out var field) || field.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return field.ValueKind == kind ? field : throw new MalformedPayloadException($"{name} is not of the kind {kind}");
    }
}
