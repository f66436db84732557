using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Audit;

/// <summary>Texts and JSON of events as they are stored: cleaned of what a database refuses, cut, members in canonical order.</summary>
internal static class AuditText
{
    private const int MaxItems = 200;

    public static string Clean(string text) => StorableText.Of(text, AuditLog.MaxString);

    public static void Write(Utf8JsonWriter writer, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject o:
                WriteObject(writer, o);
                break;
            case JsonArray a:
                writer.WriteStartArray();
                for (var i = 0; i < Math.Min(a.Count, MaxItems); i++)
                    Write(writer, a[i]);
                writer.WriteEndArray();
                break;
            case JsonValue v when v.TryGetValue<string>(out var text):
                writer.WriteStringValue(Clean(text));
                break;
            case null:
                writer.WriteNullValue();
                break;
            default:
                node.WriteTo(writer);
                break;
        }
    }

    private static void WriteObject(Utf8JsonWriter writer, JsonObject o)
    {
        writer.WriteStartObject();
        var sorted = IsCanonical(o) ? null : Sorted(o);
        for (var i = 0; i < (sorted?.Count ?? o.Count); i++)
        {
            var (name, value) = sorted is null ? o.GetAt(i) : sorted[i];
            writer.WritePropertyName(name);
            Write(writer, value);
        }
        writer.WriteEndObject();
    }

    // Most are written in order by those who make them.
    private static bool IsCanonical(JsonObject o)
    {
        string? before = null;
        for (var i = 0; i < o.Count; i++)
        {
            var name = o.GetAt(i).Key;
            if ((before is not null && string.CompareOrdinal(before, name) >= 0) || !ReferenceEquals(Clean(name), name))
                return false;
            before = name;
        }
        return true;
    }

    // Two names that are the same once they are cleaned: the first stays.
    private static List<KeyValuePair<string, JsonNode?>> Sorted(JsonObject o)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        var members = new List<KeyValuePair<string, JsonNode?>>(o.Count);
        foreach (var (name, value) in o)
        {
            if (Clean(name) is var clean && known.Add(clean))
                members.Add(new(clean, value));
        }
        members.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return members;
    }
}
