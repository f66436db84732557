using System.Text.Json;

namespace IncidentFox.Secrets.Http;

/// <summary>Reading answers that may not have the shape they should have.</summary>
internal static class Json
{
    /// <summary>Null when it is not JSON. Dispose it.</summary>
    public static JsonDocument? Parse(byte[] body)
    {
        try
        {
            return JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 32 });
        }
        catch (JsonException)
        {
            return null;   // its message may quote the body
        }
    }

    /// <summary>A member of an object.</summary>
    public static JsonElement? Member(this JsonElement? of, string name) =>
        of is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out var found) && found.ValueKind != JsonValueKind.Null ? found : null;

    /// <summary>A text; null for anything else.</summary>
    public static string? Text(this JsonElement? element)
    {
        try
        {
            return element is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;   // half a surrogate pair
        }
    }

    /// <summary>A whole number; null for anything else.</summary>
    public static long? Number(this JsonElement? element) =>
        element is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var value) ? value : null;
}
