using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>Checked arguments, or everything that is wrong with them.</summary>
internal readonly record struct CheckedArguments(JsonObject? Parameters, IReadOnlyList<string> Problems);

/// <summary>Arguments against a rule's parameters. The result holds exactly what the rule knows, typed, with defaults filled in.</summary>
internal static class Arguments
{
    /// <summary>Most levels of an object.</summary>
    public const int MaxDepth = 16;

    /// <summary>Most bytes of an object.</summary>
    public const int MaxObject = 64 * 1024;

    /// <summary>Most segments of a path.</summary>
    public const int MaxSegments = 20;

    private static readonly ConcurrentDictionary<string, Regex> Patterns = new(StringComparer.Ordinal);

    public static CheckedArguments Check(ToolRule rule, JsonElement arguments)
    {
        if (arguments.ValueKind != JsonValueKind.Object)
            return new(null, ["arguments must be an object"]);
        JsonObject given;
        try
        {
            // Read again, because the element was read without looking for members that are there twice, at any depth.
            given = (JsonObject)JsonNode.Parse(arguments.GetRawText(), documentOptions: new JsonDocumentOptions { MaxDepth = MaxDepth + 4, AllowDuplicateProperties = false })!;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or JsonException)
        {
            return new(null, ["arguments have a member twice, or are nested too deeply"]);
        }
        return Check(rule, given);
    }

    public static CheckedArguments Check(ToolRule rule, JsonObject given)
    {
        var problems = new List<string>();
        var parameters = new JsonObject();
        var known = 0;
        foreach (var parameter in rule.Parameters)
        {
            var isGiven = given.TryGetPropertyValue(parameter.Name, out var value);
            known += isGiven ? 1 : 0;
            // An empty list is none: sent as a query it leaves no trace.
            if (value is null || (value is JsonArray { Count: 0 } && parameter.Type == ParameterType.StringList))
            {
                if (parameter.Default is not null)
                    parameters[parameter.Name] = parameter.Default.DeepClone();
                else if (parameter.Required)
                    problems.Add($"{parameter.Name} is missing");
            }
            else if (Normalize(parameter, value) is not { } normal)
                problems.Add($"{parameter.Name} must be {Expected(parameter)}");
            else if (Problem(parameter, normal) is { } problem)
                problems.Add($"{parameter.Name} {problem}");
            else if (IsSegment(rule, parameter) && !CanonicalTarget.IsSegment(RequestBuilder.AsText(normal)))
                problems.Add($"{parameter.Name} can't be one segment of a path");
            else
                parameters[parameter.Name] = normal;
        }
        if (known < given.Count)
            problems.Add(Unknown(rule, given));
        return problems.Count > 0 ? new(null, problems) : new(parameters, []);
    }

    private static string Unknown(ToolRule rule, JsonObject given)
    {
        var unknown = given.Select(p => p.Key).Where(k => rule.Parameters.All(p => p.Name != k)).Take(5).Select(Printable).ToList();
        return $"{rule.Tool} does not take {string.Join(", ", unknown)}; it takes {(rule.Parameters.Count == 0 ? "nothing" : string.Join(", ", rule.Parameters.Select(p => p.Name)))}";
    }

    private static bool IsSegment(ToolRule rule, ToolParameter parameter)
    {
        foreach (var segment in rule.Path)
        {
            if (segment.Parameter == parameter.Name)
                return !segment.IsMany;
        }
        return false;
    }

    /// <summary>What is wrong with a value; null when it may stand.</summary>
    public static string? Problem(ToolParameter parameter, JsonNode value)
    {
        if (Normalize(parameter, value) is not { } normal)
            return $"must be {Expected(parameter)}";
        return parameter.Type switch
        {
            ParameterType.String => Text(parameter, normal.GetValue<string>()),
            ParameterType.Path => Text(parameter, normal.GetValue<string>()) ?? Segments(normal.GetValue<string>()),
            ParameterType.Object => JsonText.Problem((JsonObject)normal),
            ParameterType.StringList when ((JsonArray)normal).Count > parameter.MaxItems => $"has more than {parameter.MaxItems} items",
            ParameterType.StringList => ((JsonArray)normal).Select(i => Text(parameter, i!.GetValue<string>())).FirstOrDefault(p => p is not null),
            ParameterType.Integer or ParameterType.Number => Range(parameter, normal.GetValue<decimal>()),
            _ => null,
        };
    }

    /// <summary>The whole text must match; without backtracking, so that no text can hold up the gateway.</summary>
    public static Regex Compile(string pattern) =>
        Patterns.GetOrAdd(pattern, static p => new Regex($@"\A(?:{p})\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant));

    /// <summary>A client's word in a message: short, one line, printable ASCII.</summary>
    public static string Printable(string text) => string.Concat(text.Take(80).Select(c => c is > ' ' and < (char)127 ? c : '?'));

    // One form per value, so that equal calls are equal bytes; null when the type is wrong.
    private static JsonNode? Normalize(ToolParameter parameter, JsonNode value)
    {
        try
        {
            return (parameter.Type, value.GetValueKind()) switch
            {
                (ParameterType.String or ParameterType.Path, JsonValueKind.String) => JsonValue.Create(value.GetValue<string>()),
                (ParameterType.Object, JsonValueKind.Object) => value.DeepClone(),
                (ParameterType.Boolean, JsonValueKind.True or JsonValueKind.False) => JsonValue.Create(value.GetValue<bool>()),
                (ParameterType.Integer, JsonValueKind.Number) => Whole(value),
                (ParameterType.Number, JsonValueKind.Number) => Decimal(value) is { } number ? JsonValue.Create(number / 1.000000000000000000000000000000m) : null,
                (ParameterType.StringList, JsonValueKind.Array) when ((JsonArray)value).All(i => i?.GetValueKind() == JsonValueKind.String) =>
                    new JsonArray([.. ((JsonArray)value).Select(i => JsonValue.Create(i!.GetValue<string>()))]),
                _ => null,
            };
        }
        catch (InvalidOperationException)
        {
            // Text that is not UTF-8, or a lone surrogate.
            return null;
        }
    }

    // As decimal, so that checks and comparisons need one type.
    private static JsonValue? Whole(JsonNode value) =>
        Decimal(value) is { } number && number == decimal.Truncate(number) && Math.Abs(number) <= 1L << 53 ? JsonValue.Create(decimal.Truncate(number)) : null;

    private static decimal? Decimal(JsonNode value) =>
        decimal.TryParse(value.ToJsonString(), System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string? Text(ToolParameter parameter, string text)
    {
        if (text.Length > parameter.MaxLength)
            return $"is longer than {parameter.MaxLength} characters";
        if (HasControl(text) || !IsWellFormed(text))
            return "has control characters or broken text in it";
        if (parameter.Allowed.Count > 0 && !parameter.Allowed.Contains(text))
            return $"must be one of {string.Join(", ", parameter.Allowed)}";
        if (parameter.Without is { } without && Compile($"(?is:.*(?:{without}).*)").IsMatch(text))
            return $"must not have in it what matches {without}";
        return parameter.Pattern is null || Compile(parameter.Pattern).IsMatch(text) ? null : $"must match {parameter.Pattern}";
    }

    private static bool HasControl(string text)
    {
        foreach (var c in text)
        {
            if (char.IsControl(c) && c is not ('\n' or '\t'))
                return true;
        }
        return false;
    }

    private static string? Segments(string path)
    {
        var segments = path.Split('/');
        return segments.Length > MaxSegments ? $"has more than {MaxSegments} segments"
            : segments.All(CanonicalTarget.IsSegment) ? null : "has an empty segment, a dot segment, or a backslash, percent sign or semicolon";
    }

    internal static bool IsWellFormed(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune == System.Text.Rune.ReplacementChar)
                return false;
        }
        return true;
    }

    private static string? Range(ToolParameter parameter, decimal number) =>
        number < parameter.Min ? $"must be at least {parameter.Min}" : number > parameter.Max ? $"must be at most {parameter.Max}" : null;

    private static string Expected(ToolParameter parameter) => parameter.Type switch
    {
        ParameterType.String => "a text",
        ParameterType.Path => "a path",
        ParameterType.Object => "an object",
        ParameterType.Integer => "a whole number",
        ParameterType.Number => "a number",
        ParameterType.Boolean => "true or false",
        _ => "a list of texts",
    };
}
