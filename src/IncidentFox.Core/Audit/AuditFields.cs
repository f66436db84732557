using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Core.Audit;

/// <summary>
/// An event as it goes into the table: every text storable and cut, JSON as canonical text, with the digest that the chain seals. Made
/// once and at once: what the caller does to its JSON afterwards changes nothing.
/// </summary>
internal sealed record AuditFields
{
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
    public static AuditFields Of(AuditEvent e, byte[]? payloadDigest = null)
    {
        var fields = Columns(e);
        fields.Digest = AuditDigest.Of(fields, payloadDigest);
        return fields;
    }

    private static AuditFields Columns(AuditEvent e) => new()
    {
        Id = e.Id,
        EventType = e.EventType,
        OrgId = Clean(e.OrgId),
        TeamId = Clean(e.TeamId),
        UserId = Clean(e.UserId),
        Tool = Clean(e.Tool),
        Parameters = Json(e.Parameters),
        DurationMs = e.DurationMs,
        Status = Clean(e.Status),
        InvestigationId = e.InvestigationId,
        ApprovalId = e.ApprovalId,
        SandboxId = e.SandboxId,
        CorrelationId = Clean(e.CorrelationId),
        Details = Json(e.Details),
    };

    private static string? Clean(string? text) => text is null ? null : AuditText.Clean(text);

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
            AuditText.Write(writer, json);
            writer.Flush();
            return Encoding.UTF8.GetString(buffer.WrittenSpan);
        }
        finally
        {
            if (buffer.Capacity > MostKept)
                (_buffer, _writer) = (null, null);
        }
    }
}
