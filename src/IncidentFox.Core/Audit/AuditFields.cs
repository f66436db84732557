using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Audit;

/// <summary>
/// An event as it goes into the table: every text storable and cut, JSON as text. Made once and at once, on the caller's thread: what the caller does to its
/// JSON afterwards changes nothing, and whoever writes rows for many callers has nothing left to compute.
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

    /// <summary>Makes it.</summary>
    /// <param name="e">The event.</param>
    /// <param name="parameters">Its parameters where they are text already.</param>
    public static AuditFields Of(AuditEvent e, string? parameters = null) => new()
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
        var writer = _writer ??= new Utf8JsonWriter(buffer);
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
        HashSet<string>? written = null;
        foreach (var (name, value) in o)
        {
            var clean = Clean(name)!;
            // Two names that are the same once they are cleaned: the first stays. None has to be remembered before one was changed.
            if (written is null && !ReferenceEquals(clean, name))
                written = [.. o.TakeWhile(p => p.Key != name).Select(p => p.Key)];
            if (written?.Add(clean) == false)
                continue;
            writer.WritePropertyName(clean);
            Write(writer, value);
        }
        writer.WriteEndObject();
    }
}
