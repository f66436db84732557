using System.Text.Json;

namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>What a conforming agent printed: one line of JSON for each act. Everything else in its log is passed over; nothing in it is trusted to be there.</summary>
internal sealed class ActReports
{
    private readonly List<JsonElement> lines = [];

    public static ActReports Parse(string log)
    {
        var reports = new ActReports();
        foreach (var line in log.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                using var json = JsonDocument.Parse(line);
                if (json.RootElement.ValueKind == JsonValueKind.Object)
                {
                    reports.lines.Add(json.RootElement.Clone());
                }
            }
            catch (JsonException)
            {
                // Not of ours.
            }
        }

        return reports;
    }

    /// <summary>The last line of an act; null when there is none.</summary>
    public ActReport? Of(string act) => lines.LastOrDefault(l => Text(l, "act") == act) is { ValueKind: JsonValueKind.Object } line ? new(line) : null;

    internal static string Text(JsonElement line, string property) =>
        line.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() ?? "" : "";
}

/// <summary>One line of it. What is missing or of another kind is empty, zero or false.</summary>
internal sealed class ActReport(JsonElement line)
{
    public string Text(string property) => ActReports.Text(line, property);

    public bool Has(string property) => line.TryGetProperty(property, out _);

    public double Number(string property) =>
        line.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) ? number : 0;

    public bool Flag(string property) => line.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.True;

    /// <summary>Null when it was not said.</summary>
    public IReadOnlyList<string>? Names(string property) => line.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Where(v => v.ValueKind == JsonValueKind.String).Select(v => v.GetString()!)]
        : null;
}
