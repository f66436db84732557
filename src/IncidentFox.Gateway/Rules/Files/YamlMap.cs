using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace IncidentFox.Gateway.Rules.Files;

// Every mistake in one file, each with its line.
internal sealed class Problems(string file)
{
    private readonly List<string> _all = [];

    public IReadOnlyList<string> All => _all;

    // What {settings.NAME} stands for in every text; null before they were read.
    public IReadOnlyDictionary<string, string>? Settings { get; set; }

    public void Add(long line, string path, string message)
    {
        if (_all.Count < 100)
            _all.Add($"{file}:{line}: {(path.Length == 0 ? "" : path + ": ")}{message}");
    }

    public void Add(YamlNode at, string path, string message) => Add(at.Start.Line, path, message);
}

// A mapping that is read key by key; what nobody asked for is an error, so that a typo can't open anything.
internal sealed partial class YamlMap(YamlMappingNode node, string path, Problems problems)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public string Path { get; } = path;

    public Problems Problems { get; } = problems;

    public void Error(string key, string message) => Problems.Add(Find(key) ?? node, At(key), message);

    public void Error(string message) => Problems.Add(node, Path, message);

    // Whoever looks for a key knows it.
    public bool Has(string key) => Take(key, required: false) is not null;

    public long Line => node.Start.Line;

    public long LineOf(string key) => (Find(key) ?? node).Start.Line;

    public string? Text(string key, bool required = false)
    {
        if (Take(key, required) is not { } value)
            return null;
        return AsText(value, At(key));
    }

    // What has a pattern of its own may look like a number: it is taken as it is written.
    public string? Scalar(string key)
    {
        if (Take(key, false) is not { } value)
            return null;
        return value is YamlScalarNode { Style: ScalarStyle.Plain, Value: { Length: > 0 } digits } && digits.All(char.IsAsciiDigit) ? digits : AsText(value, At(key));
    }

    public long? Integer(string key, long min, long max)
    {
        if (Take(key, false) is not { } value)
            return null;
        if (value is YamlScalarNode { Style: ScalarStyle.Plain, Value: { } text }
            && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
            return number;
        Problems.Add(value, At(key), $"must be a whole number from {min} to {max}");
        return null;
    }

    public decimal? Number(string key)
    {
        if (Take(key, false) is not { } value)
            return null;
        if (value is YamlScalarNode { Style: ScalarStyle.Plain, Value: { } text }
            && decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return number;
        Problems.Add(value, At(key), "must be a number");
        return null;
    }

    public bool? Boolean(string key)
    {
        if (Take(key, false) is not { } value)
            return null;
        if (value is YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } scalar)
            return scalar.Value == "true";
        Problems.Add(value, At(key), "must be true or false");
        return null;
    }

    public IReadOnlyList<string> Texts(string key)
    {
        if (Take(key, false) is not { } value)
            return [];
        if (value is YamlSequenceNode list)
            return [.. list.Children.Select((item, i) => AsText(item, $"{At(key)}[{i}]")).OfType<string>()];
        Problems.Add(value, At(key), "must be a list of texts");
        return [];
    }

    public YamlMap? Map(string key, bool required = false) => Take(key, required) is { } value ? AsMap(value, At(key)) : null;

    public IReadOnlyList<YamlMap> Maps(string key)
    {
        if (Take(key, false) is not { } value)
            return [];
        if (value is YamlSequenceNode list)
            return [.. list.Children.Select((item, i) => AsMap(item, $"{At(key)}[{i}]")).OfType<YamlMap>()];
        Problems.Add(value, At(key), "must be a list");
        return [];
    }

    // Names of the author's choosing: every key is known.
    public IReadOnlyList<string> Keys()
    {
        var keys = node.Children.Keys.OfType<YamlScalarNode>().Select(k => k.Value ?? "").ToList();
        _known.UnionWith(keys);
        return keys;
    }

    public bool IsText(string key) => Find(key) is YamlScalarNode;

    public JsonNode? Json(string key) => Take(key, false) is { } value ? ToJson(value, At(key)) : null;

    public void Done()
    {
        foreach (var key in node.Children.Keys)
        {
            if (key is not YamlScalarNode { Value: { } name })
                Problems.Add(key, Path, "a key must be a text");
            else if (!_known.Contains(name))
                Problems.Add(key, Path, $"{(LooksLikeKey().IsMatch(name) ? $"'{name}'" : "a key on this line")} is not known here; known are {string.Join(", ", _known.Order(StringComparer.Ordinal))}");
        }
    }

    public string At(string key) => Path.Length == 0 ? key : $"{Path}.{key}";

    private YamlNode? Take(string key, bool required)
    {
        _known.Add(key);
        var value = Find(key);
        if (value is null && required)
            Problems.Add(node, Path, $"'{key}' is missing");
        return value;
    }

    private YamlNode? Find(string key) => node.Children.FirstOrDefault(p => p.Key is YamlScalarNode k && k.Value == key).Value;

    private YamlMap? AsMap(YamlNode value, string at)
    {
        if (value is YamlMappingNode map)
            return new YamlMap(map, at, Problems);
        Problems.Add(value, at, "must be a mapping");
        return null;
    }

    // YAML would read an unquoted no, 1.10 or null as something else than text: whoever means text there says so with quotes.
    private string? AsText(YamlNode value, string at)
    {
        if (value is YamlScalarNode scalar && (scalar.Style != ScalarStyle.Plain || (scalar.Value is { Length: > 0 } text && !NotText().IsMatch(text))))
            return WithSettings(value, scalar.Value ?? "", at);
        Problems.Add(value, at, "must be a text; quote it if it looks like a number, true, false or null");
        return null;
    }

    private JsonNode? ToJson(YamlNode value, string at)
    {
        switch (value)
        {
            case YamlMappingNode map:
                var o = new JsonObject();
                foreach (var (key, member) in map.Children)
                {
                    if (key is YamlScalarNode { Value: { } name })
                        o[name] = ToJson(member, $"{at}.{name}");
                    else
                        Problems.Add(key, at, "a key must be a text");
                }
                return o;
            case YamlSequenceNode list:
                return new JsonArray([.. list.Children.Select((item, i) => ToJson(item, $"{at}[{i}]"))]);
            case YamlScalarNode { Style: ScalarStyle.Plain } plain:
                return plain.Value switch
                {
                    "true" => JsonValue.Create(true),
                    "false" => JsonValue.Create(false),
                    "null" => null,
                    { } n when long.TryParse(n, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
                    { } n when Fraction().IsMatch(n) && decimal.TryParse(n, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var fraction) =>
                        JsonValue.Create(fraction),
                    _ => AsText(plain, at) is { } text ? JsonValue.Create(text) : null,
                };
            case YamlScalarNode quoted:
                return JsonValue.Create(WithSettings(quoted, quoted.Value ?? "", at));
            default:
                Problems.Add(value, at, "can't be read");
                return null;
        }
    }

    // Values hold no braces: what was put in is never looked at again.
    private string WithSettings(YamlNode at, string text, string path)
    {
        if (Problems.Settings is not { } settings || !text.Contains("{settings.", StringComparison.Ordinal))
            return text;
        return Setting().Replace(text, match =>
        {
            if (settings.TryGetValue(match.Groups["name"].Value, out var value))
                return value;
            Problems.Add(at, path, $"{match.Value} is not one of the file's settings");
            return "x";
        });
    }

    internal static string Shown(string text) => string.Concat(text.Take(60).Select(c => c is >= ' ' and < (char)127 ? c : '?'));

    // What does not may be a secret that was pasted in the wrong place, and is not repeated.
    [GeneratedRegex(@"^[A-Za-z_-]{1,30}\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex LooksLikeKey();

    [GeneratedRegex("^(true|false|yes|no|on|off|null|~|[-+.]?[0-9][0-9_.eExX+-]*)$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex NotText();

    [GeneratedRegex("^-?(0|[1-9][0-9]{0,15})\\.[0-9]{1,12}$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Fraction();

    [GeneratedRegex(@"\{settings\.(?<name>[a-z0-9_]{1,64})\}", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Setting();
}
