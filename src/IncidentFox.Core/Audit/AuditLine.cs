using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;

namespace IncidentFox.Core.Audit;

/// <summary>
/// An event as one line of JSON, as the gateway's batch stores it. What says which event it is comes first, before anything that an agent chose: it can be read
/// without reading the rest. Whose it is stands in the row.
/// </summary>
internal static class AuditLine
{
    private const int MostKept = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    /// <summary>The lines of events, separated by line feeds; every text storable and cut. What happens to the events' JSON afterwards changes nothing.</summary>
    public static byte[] Write(IReadOnlyList<AuditEvent> events)
    {
        // Several for each call of a gateway: what they are written with is kept.
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(4_096);
        var json = _writer ??= new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        buffer.ResetWrittenCount();
        try
        {
            for (var i = 0; i < events.Count; i++)
            {
                if (i > 0)
                    buffer.Write("\n"u8);
                json.Reset();
                Write(json, events[i]);
                json.Flush();
            }
            return buffer.WrittenSpan.ToArray();
        }
        finally
        {
            if (buffer.Capacity > MostKept)
                (_buffer, _writer) = (null, null);
        }
    }

    private static void Write(Utf8JsonWriter json, AuditEvent e)
    {
        json.WriteStartObject();
        json.WriteString("event_id"u8, e.Id);
        json.WriteString("event_type"u8, e.EventType);
        Text(json, "correlation_id"u8, e.CorrelationId);
        Text(json, "user_id"u8, e.UserId);
        Text(json, "tool"u8, e.Tool);
        Text(json, "status"u8, e.Status);
        if (e.DurationMs is { } duration)
            json.WriteNumber("duration_ms"u8, duration);
        Json(json, "parameters"u8, e.Parameters);
        Json(json, "details"u8, e.Details);
        json.WriteEndObject();
    }

    private static void Text(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
            json.WriteString(name, AuditText.Clean(value));
    }

    private static void Json(Utf8JsonWriter json, ReadOnlySpan<byte> name, JsonObject? value)
    {
        if (value is null)
            return;
        json.WritePropertyName(name);
        AuditText.Write(json, value);
    }

    /// <summary>What must be in the lines of a row that holds an event with this member; escaped as <see cref="Write(IReadOnlyList{AuditEvent})"/> does it.</summary>
    public static byte[] Needle(string member, string value) =>
        Encoding.UTF8.GetBytes($"\"{member}\":\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(value)}\"");

    /// <summary>Type and correlation of each line; of lines that the product can't have written, nothing.</summary>
    public static IEnumerable<(string Type, string Correlation)> Heads(byte[] lines)
    {
        for (var at = 0; at < lines.Length;)
        {
            var line = lines.AsSpan(at);
            var end = line.IndexOf((byte)'\n');
            var length = end < 0 ? line.Length : end;
            at += length + 1;
            if (Head(line[..length]) is { } head)
                yield return head;
        }
    }

    private static (string Type, string Correlation)? Head(ReadOnlySpan<byte> line)
    {
        string? type = null, correlation = null;
        try
        {
            var reader = new Utf8JsonReader(line);
            for (var read = reader.Read(); read && reader.Read() && reader.TokenType == JsonTokenType.PropertyName && (type is null || correlation is null);)
            {
                var (isType, isCorrelation) = (reader.ValueTextEquals("event_type"u8), reader.ValueTextEquals("correlation_id"u8));
                if (!reader.Read() || reader.TokenType != JsonTokenType.String)
                    break;   // they come before anything that is no text
                (type, correlation) = (isType ? reader.GetString() : type, isCorrelation ? reader.GetString() : correlation);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
        return type is null || correlation is null ? null : (type, correlation);
    }

    /// <summary>The event of a line. What the product can't have written must not stop a reader: it is an event of type <c>unreadable</c>.</summary>
    public static AuditEvent Read(ReadOnlySpan<byte> line)
    {
        var text = Encoding.UTF8.GetString(line);
        try
        {
            var json = CanonicalJson.Parse(text)!.AsObject();
            return new AuditEvent
            {
                Id = json["event_id"]!.GetValue<Guid>(),
                EventType = json["event_type"]!.GetValue<string>(),
                CorrelationId = json["correlation_id"]?.GetValue<string>(),
                UserId = json["user_id"]?.GetValue<string>(),
                Tool = json["tool"]?.GetValue<string>(),
                Status = json["status"]?.GetValue<string>(),
                DurationMs = json["duration_ms"]?.GetValue<long>(),
                Parameters = json["parameters"]?.DeepClone().AsObject(),
                Details = json["details"]?.DeepClone().AsObject(),
            };
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException or FormatException or NullReferenceException)
        {
            return new AuditEvent { Id = Guid.Empty, EventType = "unreadable", Details = new JsonObject { ["unreadable"] = text } };
        }
    }
}
