using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace IncidentFox.Contracts;

/// <summary>What came of reading a message: the message, or a sentence that says what is wrong with it.</summary>
/// <param name="Value">The message, or null.</param>
/// <param name="Error">What is wrong, naming the unknown version or type; null when it could be read.</param>
public readonly record struct Decoded<T>(T? Value, string? Error) where T : class;

/// <summary>Reads and writes messages.</summary>
public static class MessageCodec
{
    /// <summary>The names this version knows.</summary>
    public static readonly IReadOnlyList<string> KnownTypes =
    [
        "hello", "welcome", "task", "tool_list", "tool_request", "approval_required", "approval_status", "error", "events", "model_turn", "model_answer",
    ];

    /// <summary>UTF-8 JSON of a message.</summary>
    public static byte[] Write<T>(T message, JsonTypeInfo<T> type) where T : Message => JsonSerializer.SerializeToUtf8Bytes(message, type);

    /// <summary>Reads one message of the expected type. Never throws for what came over the wire.</summary>
    public static Decoded<T> Read<T>(ReadOnlySpan<byte> utf8, string expectedType, JsonTypeInfo<T> type) where T : Message
    {
        if (utf8.Length > Protocol.MaxMessageBytes)
            return new(null, $"message of {utf8.Length} bytes is larger than {Protocol.MaxMessageBytes}");
        try
        {
            if (Envelope(utf8) is var (version, name, problem) && problem is not null)
                return new(null, problem);
            if (version != Protocol.Version)
                return new(null, $"protocol version {version} is not known; this side speaks {Protocol.Version}");
            if (!KnownTypes.Contains(name))
                return new(null, $"unknown message type '{Quote(name!)}'; version {Protocol.Version} knows {string.Join(", ", KnownTypes)}");
            if (name != expectedType)
                return new(null, $"message type '{name}' is not expected here; expected '{expectedType}'");
            return JsonSerializer.Deserialize(utf8, type) is { } message
                ? new(message, null)
                : new(null, $"message '{expectedType}' is null");
        }
        catch (JsonException e)
        {
            return new(null, $"message '{expectedType}' is not valid: {Quote(e.Message, 300)}");
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException)
        {
            // InvalidOperationException: text that is not UTF-8, or a lone surrogate.
            return new(null, $"message '{expectedType}' is not valid: {Quote(e.Message, 300)}");
        }
    }

    private static (int Version, string? Type, string? Problem) Envelope(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = 32 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return (0, null, "message is not a JSON object");
        int? version = null;
        string? type = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isVersion = reader.ValueTextEquals("v"u8), isType = reader.ValueTextEquals("type"u8);
            reader.Read();
            if (isVersion && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var v))
                version = v;
            else if (isType && reader.TokenType == JsonTokenType.String)
                type = reader.GetString();
            else
                reader.Skip();
        }
        return version is null ? (0, null, "message has no protocol version 'v'")
            : type is null ? (0, null, "message has no 'type'")
            : (version.Value, type, null);
    }

    // What is echoed is the other side's word: short, one line, printable ASCII.
    private static string Quote(string text, int most = 120) =>
        string.Concat(text.Take(most).Select(c => c is >= ' ' and < (char)127 ? c : '?'));
}
