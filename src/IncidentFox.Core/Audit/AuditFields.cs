using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Audit;

/// <summary>
/// An event as it goes into the table: every text storable and cut, JSON as canonical text, with the digest that the chain seals. Made once and at once, on the
/// caller's thread: what the caller does to its JSON afterwards changes nothing, and whoever writes rows for many callers has nothing left to compute.
/// </summary>
internal sealed record AuditFields
{
    private const int MaxItems = 200;
    private const int MostKept = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    public required Guid Id { get; init; }
    public required string EventType { get; init; }
    public required string? OrgId { get; init; }
    public required string? TeamId { get; init; }
    public required string? UserId { get; init; }
    public required string? Tool { get; init; }
    public required string? Parameters { get; init; }
    public required long? DurationMs { get; init; }
    public required string? Status { get; init; }
    public required Guid? InvestigationId { get; init; }
    public required Guid? ApprovalId { get; init; }
    public required Guid? SandboxId { get; init; }
    public required string? CorrelationId { get; init; }
    public required string? Details { get; init; }

    /// <summary>What the chain seals.</summary>
    public byte[] Digest { get; private set; } = [];

    /// <summary>Makes it.</summary>
    /// <param name="e">The event.</param>
    /// <param name="payloadDigest">Of its query, where it has one.</param>
    /// <param name="parameters">Its parameters where they are text already.</param>
    public static AuditFields Of(AuditEvent e, byte[]? payloadDigest = null, string? parameters = null)
    {
        var fields = Columns(e, parameters);
        fields.Digest = AuditDigest.Of(fields, payloadDigest);
        return fields;
    }

    private static AuditFields Columns(AuditEvent e, string? parameters) => new()
    {
        Id = e.Id,
        EventType = e.EventType,
        OrgId = Clean(e.OrgId),
        TeamId = Clean(e.TeamId),
        UserId = Clean(e.UserId),
        Tool = Clean(e.Tool),
        Parameters = parameters ?? Json(e.Parameters),
        DurationMs = e.DurationMs,
        Status = Clean(e.Status),
        InvestigationId = e.InvestigationId,
        ApprovalId = e.ApprovalId,
        SandboxId = e.SandboxId,
        CorrelationId = Clean(e.CorrelationId),
        Details = Json(e.Details),
    };

    private static string? Clean(string? text) => text is null ? null : StorableText.Of(text, AuditLog.MaxString);

    private static string? Json(JsonObject? json)
    {
        if (json is null)
            return null;
        // Several for each call of a gateway: what they are written with is kept.
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(1_024);
        var writer = _writer ??= new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        buffer.ResetWrittenCount();
        writer.Reset();
        try
        {
            Write(writer, json);
            writer.Flush();
            return Encoding.UTF8.GetString(buffer.WrittenSpan);
        }
        finally
        {
            if (buffer.Capacity > MostKept)
                (_buffer, _writer) = (null, null);
        }
    }

    private static void Write(Utf8JsonWriter writer, JsonNode? node)
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
        foreach (var (name, value) in IsCanonical(o) ? o : (IEnumerable<KeyValuePair<string, JsonNode?>>)Sorted(o))
        {
            writer.WritePropertyName(name);
            Write(writer, value);
        }
        writer.WriteEndObject();
    }

    // Most are written in order by those who make them.
    private static bool IsCanonical(JsonObject o)
    {
        string? before = null;
        foreach (var (name, _) in o)
        {
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
            if (Clean(name)! is var clean && known.Add(clean))
                members.Add(new(clean, value));
        }
        members.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return members;
    }
}
