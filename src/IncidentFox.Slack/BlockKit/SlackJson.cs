using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace IncidentFox.Slack.BlockKit;

/// <summary>How Slack writes JSON: snake_case, nothing for null, and &lt; &gt; &amp; always escaped.</summary>
public static class SlackJson
{
    public static JsonSerializerOptions Options { get; } = Create();

    internal static JsonDocumentOptions Reading { get; } = new() { MaxDepth = 48, AllowDuplicateProperties = false };

    public static string Serialize<T>(T value) => JsonSerializer.Serialize(value, Options);

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
        };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
