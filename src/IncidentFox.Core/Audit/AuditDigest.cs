using System.Buffers;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace IncidentFox.Core.Audit;

/// <summary>
/// SHA-256 of an event's canonical JSON without its timestamp, made from the columns as they are stored: by the writer at once, and by whoever verifies.
/// </summary>
internal static class AuditDigest
{
    private const int MostKept = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    /// <summary>Makes it.</summary>
    /// <param name="f">The columns. <see cref="AuditFields.Parameters"/> and <see cref="AuditFields.Details"/> must be canonical already.</param>
    /// <param name="payloadDigest">Of its query.</param>
    public static byte[] Of(AuditFields f, byte[]? payloadDigest)
    {
        // Several for each call of a gateway: what they are written with is kept.
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(1_024);
        var json = _writer ??= new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        buffer.ResetWrittenCount();
        json.Reset();
        try
        {
            Write(json, f, payloadDigest);
            json.Flush();
            return SHA256.HashData(buffer.WrittenSpan);
        }
        finally
        {
            if (buffer.Capacity > MostKept)
                (_buffer, _writer) = (null, null);
        }
    }

    // The members of AuditJson's line in canonical order: those of the documented format always, others where they are set.
    private static void Write(Utf8JsonWriter json, AuditFields f, byte[]? payloadDigest)
    {
        json.WriteStartObject();
        Text(json, "approval_id"u8, f.ApprovalId is { } a ? new ApprovalId(a).ToString() : null);
        Text(json, "correlation_id"u8, f.CorrelationId);
        if (f.Details is not null)
        {
            json.WritePropertyName("details"u8);
            json.WriteRawValue(f.Details, skipInputValidation: true);
        }
        if (f.DurationMs is { } duration)
            json.WriteNumber("duration_ms"u8, duration);
        else
            json.WriteNull("duration_ms"u8);
        json.WriteString("event_id"u8, f.Id);
        json.WriteString("event_type"u8, f.EventType);
        Text(json, "investigation_id"u8, f.InvestigationId is { } i ? new InvestigationId(i).ToString() : null);
        Text(json, "org_id"u8, f.OrgId);
        json.WritePropertyName("parameters"u8);
        json.WriteRawValue(f.Parameters ?? "{}", skipInputValidation: true);
        if (payloadDigest is not null)
            json.WriteString("payload_digest"u8, Convert.ToHexStringLower(payloadDigest));
        Text(json, "sandbox_id"u8, f.SandboxId is { } s ? new SandboxId(s).ToString() : null);
        json.WriteString("status"u8, f.Status);
        json.WriteString("team_id"u8, f.TeamId);
        json.WriteString("tool"u8, f.Tool);
        json.WriteString("user_id"u8, f.UserId);
        json.WriteEndObject();
    }

    private static void Text(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
            json.WriteString(name, value);
    }
}
