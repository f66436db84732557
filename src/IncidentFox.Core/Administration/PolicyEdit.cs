using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core.Policy;

namespace IncidentFox.Core.Administration;

/// <summary>Which part of a policy is edited.</summary>
public enum PolicyPart
{
    /// <summary><c>tools</c>.</summary>
    Tool,

    /// <summary><c>approval_workflows.actions</c>; the name <c>default</c> is <c>approval_workflows.default</c>.</summary>
    Workflow,
}

/// <summary>Why a setting is none.</summary>
/// <param name="Setting">Its name; empty: the entry as a whole.</param>
/// <param name="Message">A sentence a person can act on.</param>
public readonly record struct SettingError(string Setting, string Message)
{
    /// <inheritdoc />
    public override string ToString() => Setting.Length == 0 ? Message : $"{Setting}: {Message}";
}

/// <summary>
/// Changes one entry of one layer of a policy, as people type it: <c>required_approvers</c> = <c>2</c>. Only the text's form is judged here; what it means
/// is the policy parser's to judge, with everything around it.
/// </summary>
public static class PolicyEdit
{
    /// <summary>Typed for a setting, it takes the setting out of the layer, so that the layer below or the default answers.</summary>
    public const string Unset = "default";

    /// <summary>The name of the workflow that fills what others leave out.</summary>
    public const string DefaultWorkflow = "default";

    // Switches off what a wider entry says, which leaving it out does not.
    private const string NoSteps = "none";
    private const int MaxValue = 3_000;

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Dictionary<string, Func<string, JsonNode?>> ToolSettings = new()
    {
        ["enabled"] = YesOrNo, ["allowed_roles"] = List, ["require_approval"] = YesOrNo,
    };

    private static readonly Dictionary<string, Func<string, JsonNode?>> WorkflowSettings = new()
    {
        ["required_approvers"] = Number, ["timeout_minutes"] = Number, ["notify_channel"] = Text, ["approver_role"] = Text, ["approvers"] = List,
        ["escalation"] = Steps, ["allow_self_approval"] = YesOrNo, ["break_glass"] = YesOrNo, ["reminder_minutes"] = Number,
    };

    /// <summary>The settings that an entry of this part may have.</summary>
    public static IReadOnlyCollection<string> Names(PolicyPart part) => Known(part).Keys;

    /// <summary>The layer with the entry changed; an entry that says nothing any more is taken out. Or every reason why the settings are none.</summary>
    /// <param name="layer">The layer's JSON; null: there is none yet.</param>
    /// <param name="part">Of what.</param>
    /// <param name="name">The tool's or action's name, as policies write it.</param>
    /// <param name="settings">By name; <see cref="Unset"/> or an empty text takes one out.</param>
    public static (string? Json, IReadOnlyList<SettingError> Errors) Apply(string? layer, PolicyPart part, string name, IReadOnlyDictionary<string, string> settings)
    {
        var (root, fault) = ToolPolicyParser.ReadObject(layer ?? "{}");
        if (root is null)
            return (null, [new("", $"the policy as it stands can't be read ({fault}); mend it whole, with policy edit or policy set")]);
        var errors = new List<SettingError>();
        var path = PathOf(part, name);
        if (Find(root, path) is { } there and not JsonObject)
        {
            return (null, [new("", there is JsonArray
                ? $"{name} has entries with conditions (when); change them as JSON, with policy edit or policy set"
                : $"{string.Join('.', path)} is no object; mend it with policy edit or policy set")]);
        }
        var entry = Find(root, path) as JsonObject ?? [];
        foreach (var (setting, text) in settings)
        {
            if (!Known(part).TryGetValue(setting, out var parse))
                errors.Add(new(setting, $"is not known; here may stand {string.Join(", ", Known(part).Keys)}"));
            else if (text.Trim() is "" or Unset)
                entry.Remove(setting);
            else if (text.Length <= MaxValue && parse(text.Trim()) is { } value)
                entry[setting] = value;
            else
                errors.Add(new(setting, $"must be {Form(parse)}"));
        }
        if (errors.Count > 0)
            return (null, errors);
        if (!Put(root, path, entry))
            return (null, [new("", $"{string.Join('.', path[..^1])} is no object; mend it with policy edit or policy set")]);
        return (root.ToJsonString(Readable), []);
    }

    /// <summary>The layer's own entry as people would type it, setting by setting; null when there is one that has to be changed as JSON.</summary>
    public static IReadOnlyDictionary<string, string>? Read(string? layer, PolicyPart part, string name)
    {
        if (ToolPolicyParser.ReadObject(layer ?? "{}").Root is not { } root)
            return null;
        return Find(root, PathOf(part, name)) switch
        {
            null => new Dictionary<string, string>(),
            JsonObject entry when !entry.ContainsKey("when") => entry.ToDictionary(m => m.Key, m => Written(m.Key, m.Value)),
            _ => null,
        };
    }

    /// <summary>A layer on several lines, for people to read and change.</summary>
    public static string Pretty(string? layer) => ToolPolicyParser.ReadObject(layer ?? "{}").Root?.ToJsonString(Readable) ?? layer ?? "{}";

    /// <summary>Which of an entry's settings an error of the policy parser is about; empty: the entry or something else.</summary>
    public static SettingError Of(PolicyPart part, string name, string error)
    {
        var prefix = $"$.{string.Join('.', PathOf(part, name))}.";
        if (!error.StartsWith(prefix, StringComparison.Ordinal))
            return new("", error);
        var rest = error[prefix.Length..];
        var setting = Known(part).Keys.FirstOrDefault(k => rest.StartsWith(k, StringComparison.Ordinal) && rest.AsSpan(k.Length).IndexOfAny(":[.") == 0);
        return setting is null ? new("", error) : new(setting, rest[setting.Length..].TrimStart(':', ' '));
    }

    private static Dictionary<string, Func<string, JsonNode?>> Known(PolicyPart part) => part == PolicyPart.Tool ? ToolSettings : WorkflowSettings;

    private static string[] PathOf(PolicyPart part, string name) => part switch
    {
        PolicyPart.Tool => ["tools", name],
        _ when name == DefaultWorkflow => ["approval_workflows", "default"],
        _ => ["approval_workflows", "actions", name],
    };

    private static JsonNode? Find(JsonObject root, string[] path)
    {
        JsonNode? at = root;
        foreach (var step in path)
            at = (at as JsonObject)?[step];
        return at;
    }

    // An entry without settings would still be an entry, so it goes; so does what held nothing else.
    private static bool Put(JsonObject root, string[] path, JsonObject entry)
    {
        var holders = new List<JsonObject> { root };
        foreach (var step in path[..^1])
        {
            var holder = holders[^1];
            if (!holder.ContainsKey(step))
                holder[step] = new JsonObject();
            if (holder[step] is not JsonObject inner)
                return false;
            holders.Add(inner);
        }
        if (entry.Count > 0)
        {
            if (entry.Parent is null)
                holders[^1][path[^1]] = entry;
            return true;
        }
        for (var i = holders.Count - 1; i >= 0; i--)
        {
            holders[i].Remove(path[i]);
            if (holders[i].Count > 0)
                break;
        }
        return true;
    }

    private static JsonValue? YesOrNo(string text) => text.ToLowerInvariant() switch
    {
        "true" or "yes" or "on" => JsonValue.Create(true),
        "false" or "no" or "off" => JsonValue.Create(false),
        _ => null,
    };

    private static JsonValue? Number(string text) =>
        text.Length <= 20 && decimal.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : null;

    private static JsonValue Text(string text) => JsonValue.Create(text);

    private static JsonArray List(string text) => new([.. Split(text, ',', '\n').Select(t => (JsonNode?)JsonValue.Create(t))]);

    // One step a line or between semicolons: minutes, approvers with commas between them, a channel; e.g. "10 role:admin,group:@leads #sre-leads".
    private static JsonArray? Steps(string text)
    {
        var steps = new JsonArray();
        if (text == NoSteps)
            return steps;
        foreach (var line in Split(text, ';', '\n'))
        {
            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (Number(words[0].TrimEnd(':')) is not { } minutes)
                return null;
            var channels = words[1..].Where(IsChannel).ToList();
            if (channels.Count > 1)
                return null;
            var approvers = Split(string.Join(',', words[1..].Where(w => !IsChannel(w))), ',');
            var step = new JsonObject { ["after_minutes"] = minutes };
            if (approvers.Length > 0)
                step["approvers"] = List(string.Join(',', approvers));
            if (channels.Count == 1)
                step["notify_channel"] = channels[0];
            steps.Add(step);
        }
        return steps;
    }

    // C… and G… are ids of channels; people's begin with U or W.
    private static bool IsChannel(string word) => word.StartsWith('#') || (word.Length > 2 && word[0] is 'C' or 'G' && word.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c)));

    private static string[] Split(string text, params char[] separators) =>
        text.Split(separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string Form(Func<string, JsonNode?> parse) => parse switch
    {
        _ when parse == YesOrNo => "true or false",
        _ when parse == Number => "a number such as 2 or 7.5",
        _ when parse == Steps => "steps such as \"10 role:admin #sre-leads\": minutes, approvers with commas between them, a channel; one a line, or a semicolon between two; or none",
        _ => $"at most {MaxValue} characters",
    };

    private static string Written(string setting, JsonNode? value) => (setting, value) switch
    {
        ("escalation", JsonArray { Count: 0 }) => NoSteps,
        ("escalation", JsonArray steps) => string.Join('\n', steps.Select(Step)),
        (_, JsonArray list) => string.Join(", ", list.Select(i => i?.ToString() ?? "")),
        _ => value is JsonValue v && v.TryGetValue<bool>(out var truth) ? (truth ? "true" : "false") : value?.ToString() ?? "",
    };

    private static string Step(JsonNode? step) => step is not JsonObject o ? "" : string.Join(' ', ((string?[])
    [
        o["after_minutes"]?.ToString(), o["approvers"] is JsonArray approvers ? string.Join(',', approvers.Select(a => a?.ToString())) : null, o["notify_channel"]?.ToString(),
    ]).Where(w => !string.IsNullOrEmpty(w)));
}
