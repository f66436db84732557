using System.Globalization;
using System.Text.Json;

namespace IncidentFox.Agent.Estate;

/// <summary>Reads JSON that may be anything: a missing or misshapen member is null or empty, never an exception.</summary>
internal static class JsonReading
{
    private static readonly IReadOnlyDictionary<string, string> NoLabels = new Dictionary<string, string>(StringComparer.Ordinal);

    public static JsonElement? At(this JsonElement? json, string member) =>
        json is { ValueKind: JsonValueKind.Object } o && o.TryGetProperty(member, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static JsonElement? At(this JsonElement json, string member) => ((JsonElement?)json).At(member);

    public static JsonElement? At(this JsonElement json, string member, string inner) => json.At(member).At(inner);

    public static string? Text(this JsonElement? json)
    {
        try
        {
            return json is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null; // a lone surrogate
        }
    }

    public static string Text(this JsonElement json, string member) => json.At(member).Text() ?? "";

    public static int Number(this JsonElement? json, int otherwise = 0) =>
        json is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var value) ? value : otherwise;

    public static bool IsTrue(this JsonElement? json) => json is { ValueKind: JsonValueKind.True };

    public static DateTimeOffset? Time(this JsonElement? json) =>
        json.Text() is { } text && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;

    public static IEnumerable<JsonElement> Items(this JsonElement? json)
    {
        if (json is { ValueKind: JsonValueKind.Array } array)
            foreach (var item in array.EnumerateArray())
                if (item.ValueKind == JsonValueKind.Object)
                    yield return item;
    }

    public static IReadOnlyDictionary<string, string> Labels(this JsonElement? json)
    {
        if (json is not { ValueKind: JsonValueKind.Object } o)
            return NoLabels;
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var member in o.EnumerateObject().Take(200))
            if (((JsonElement?)member.Value).Text() is { } value)
                labels[member.Name] = value;
        return labels;
    }
}
