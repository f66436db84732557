using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace IncidentFox.Core.Policy;

/// <summary>Reads <c>when</c> and <c>environments</c>.</summary>
internal sealed partial class ConditionParser(EnvironmentMap environments, Errors errors)
{
    private const int MaxItems = 100;

    private static readonly (string Name, DayOfWeek Day)[] Days =
    [
        ("mon", DayOfWeek.Monday), ("tue", DayOfWeek.Tuesday), ("wed", DayOfWeek.Wednesday), ("thu", DayOfWeek.Thursday),
        ("fri", DayOfWeek.Friday), ("sat", DayOfWeek.Saturday), ("sun", DayOfWeek.Sunday),
    ];

    /// <summary>The policy's environments.</summary>
    public static EnvironmentMap ParseEnvironments(JsonObject root, Errors errors)
    {
        var sets = new List<EnvironmentSet>();
        foreach (var (name, node) in errors.Object(root, "$", "environments") ?? [])
        {
            var path = $"$.environments.{name}";
            if (!Name().IsMatch(name))
                errors.Add(path, "an environment's name is 1 to 64 of a-z, 0-9, _ and -");
            if (node is not JsonObject o)
            {
                errors.Add(path, "must be an object");
                continue;
            }
            errors.OnlyKnown(o, path, "integrations", "namespaces");
            if (o.Count == 0)
                errors.Add(path, "names nothing: give integrations, namespaces or both");
            sets.Add(new(name, Integrations(o, path, errors), Namespaces(o, path, errors)));
        }
        return new(sets);
    }

    /// <summary>The condition of an entry; null: none.</summary>
    public Condition? Parse(JsonObject entry, string parent)
    {
        if (errors.Object(entry, parent, "when") is not { } o)
            return null;
        var path = $"{parent}.when";
        errors.OnlyKnown(o, path, "integrations", "namespaces", "environments", "working_hours");
        if (o.Count == 0)
            errors.Add(path, "names nothing: give integrations, namespaces, environments or working_hours, or leave it out");
        return new Condition
        {
            Integrations = Integrations(o, path, errors),
            Namespaces = Namespaces(o, path, errors),
            Environments = errors.Texts(o, path, "environments", MaxItems, $"an environment that $.environments defines, or {EnvironmentMap.Production}",
                text => text == EnvironmentMap.Production || environments.Sets.Any(s => s.Name == text) ? text : null) ?? [],
            WorkingHours = errors.Object(o, path, "working_hours") is { } hours ? ParseHours(hours, $"{path}.working_hours") : null,
        };
    }

    private static List<string> Integrations(JsonObject o, string path, Errors errors) =>
        errors.Texts(o, path, "integrations", MaxItems, "an integration's name: 1 to 64 of a-z, 0-9, _ and -", text => Name().IsMatch(text) ? text : null) ?? [];

    private static List<string> Namespaces(JsonObject o, string path, Errors errors) =>
        errors.Texts(o, path, "namespaces", MaxItems, "a namespace: 1 to 253 of letters, digits, . _ / - and *, which stands for any characters",
            text => Namespace().IsMatch(text) ? text : null) ?? [];

    private WorkingHours? ParseHours(JsonObject o, string path)
    {
        errors.OnlyKnown(o, path, "days", "from", "to", "time_zone");
        foreach (var missing in new[] { "days", "from", "to", "time_zone" }.Where(m => !o.ContainsKey(m)))
            errors.Add($"{path}.{missing}", "is missing");
        var days = errors.Texts(o, path, "days", Days.Length, "one of mon, tue, wed, thu, fri, sat, sun", text => Days.Any(d => d.Name == text) ? text : null) ?? [];
        var from = Minute(o, path, "from", 24 * 60 - 1);
        var to = Minute(o, path, "to", 24 * 60);
        if (from is not null && from == to)
            errors.Add($"{path}.to", "is the same as from: leave working_hours out for the whole day, or give 00:00 to 24:00");
        var zone = TimeZone(o, path);
        return from is { } f && to is { } t && zone is not null
            ? new(Days.Where(d => days.Contains(d.Name)).Select(d => d.Day).ToHashSet(), f, t, zone)
            : null;
    }

    private int? Minute(JsonObject o, string path, string name, int most)
    {
        if (errors.Text(o, path, name) is not { } text)
            return null;
        if (Clock().IsMatch(text)
            && (int.Parse(text.AsSpan(0, 2), CultureInfo.InvariantCulture) * 60) + int.Parse(text.AsSpan(3), CultureInfo.InvariantCulture) is var minute && minute <= most)
            return minute;
        errors.Add($"{path}.{name}", $"must be a time of day such as 09:00, at most {most / 60:00}:{most % 60:00}");
        return null;
    }

    private TimeZoneInfo? TimeZone(JsonObject o, string path)
    {
        if (errors.Text(o, path, "time_zone") is not { } id)
            return null;
        if (Zone().IsMatch(id) && TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone))
            return zone;
        errors.Add($"{path}.time_zone", "must be a time zone of this machine's tz database, such as Europe/Berlin or UTC");
        return null;
    }

    [GeneratedRegex(@"\A[a-z0-9_-]{1,64}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Name();

    [GeneratedRegex(@"\A[A-Za-z0-9._/*-]{1,253}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"\A[0-2][0-9]:[0-5][0-9]\z", RegexOptions.NonBacktracking)]
    private static partial Regex Clock();

    // A path into the machine's files is not a name.
    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_+-]{0,30}(/[A-Za-z][A-Za-z0-9_+-]{0,30}){0,2}\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Zone();
}
