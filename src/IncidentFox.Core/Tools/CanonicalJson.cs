using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Core.Tools;

/// <summary>
/// One byte form for equal JSON: members sorted by ordinal UTF-16 order, no white space, as RFC 8785 does for the values used here
/// (strings, booleans, null, and numbers that are integers within ±2^53; other numbers are written as they were parsed).
/// </summary>
public static class CanonicalJson
{
    // As deep as the writer goes.
    private const int MaxDepth = 1_000;

    /// <summary>Parses what <see cref="Write(JsonNode?)"/> wrote, however deep.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="ArgumentException">An object has a name twice.</exception>
    public static JsonNode? Parse(string json) => JsonNode.Parse(json, documentOptions: new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });

    /// <summary>UTF-8 bytes of the canonical form.</summary>
    public static byte[] Write(JsonNode? node)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            Write(writer, node);
        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, JsonNode? node)
    {
        switch (node)
        {
            case null:
                writer.WriteNullValue();
                break;
            case JsonObject o:
                writer.WriteStartObject();
                KeyValuePair<string, JsonNode?>[] members = [.. o];
                Array.Sort(members, static (a, b) => string.CompareOrdinal(a.Key, b.Key));   // no two are alike
                foreach (var (name, value) in members)
                {
                    writer.WritePropertyName(name);
                    Write(writer, value);
                }
                writer.WriteEndObject();
                break;
            case JsonArray a:
                writer.WriteStartArray();
                foreach (var item in a)
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            default:
                node.WriteTo(writer);
                break;
        }
    }
}
