using System.Buffers;
using System.Text.Json;

namespace IncidentFox.Agent.Gateway;

/// <summary>Arguments of a tool call; text, whole numbers and booleans only.</summary>
internal static class ToolArguments
{
    public static readonly JsonElement None = Of();

    public static JsonElement Of(params ReadOnlySpan<(string Name, object? Value)> arguments)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in arguments)
                Write(writer, name, value);
            writer.WriteEndObject();
        }
        using var document = JsonDocument.Parse(buffer.WrittenMemory);
        return document.RootElement.Clone();
    }

    private static void Write(Utf8JsonWriter writer, string name, object? value)
    {
        switch (value)
        {
            case null: break;
            case string text: writer.WriteString(name, text); break;
            case bool yes: writer.WriteBoolean(name, yes); break;
            case int number: writer.WriteNumber(name, number); break;
            default: throw new ArgumentException($"'{name}' has a type that no tool takes", nameof(value));
        }
    }
}
