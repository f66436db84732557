using System.Globalization;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Acts;

/// <summary>What a person filled in, as Slack's <c>state.values</c>; and the checks that Slack makes before it asks the app.</summary>
internal static class ViewValues
{
    /// <param name="blocks">The view's or the message's blocks.</param>
    /// <param name="values">By block id, or by <c>block_id/action_id</c>. A multiple choice is its values, one per line.</param>
    /// <returns>The state, and a message per block that is not filled in as it should be.</returns>
    public static (JsonObject State, Dictionary<string, string> Errors) Read(JsonArray blocks, IReadOnlyDictionary<string, string> values)
    {
        var state = new JsonObject();
        var errors = new Dictionary<string, string>();
        foreach (var block in blocks.OfType<JsonObject>())
        {
            var blockId = block["block_id"]!.ToString();
            foreach (var element in Blocks.BlockText.Elements(block))
            {
                var type = element["type"]!.ToString();
                if (type is "button" or "overflow") continue;
                var actionId = element["action_id"]!.ToString();
                var given = values.TryGetValue($"{blockId}/{actionId}", out var exact) ? exact : values.GetValueOrDefault(blockId) ?? Initial(element);
                if (state[blockId] is not JsonObject inBlock) state[blockId] = inBlock = [];
                inBlock[actionId] = Value(element, type, given);
                if (block["type"]!.ToString() == "input" && Problem(block, element, given) is { } problem) errors[blockId] = problem;
            }
        }

        return (state, errors);
    }

    /// <summary>The chosen option's object, as the app gave it.</summary>
    public static JsonNode? Option(JsonObject element, string? value)
    {
        var options = element["options"] as JsonArray ?? [.. (element["option_groups"] as JsonArray ?? []).SelectMany(g => g!["options"]!.AsArray()).Select(o => o!.DeepClone())];
        return options.FirstOrDefault(o => o!["value"]!.ToString() == value)?.DeepClone();
    }

    public static JsonObject Value(JsonObject element, string type, string given)
    {
        var filled = given.Length > 0 ? (JsonNode?)given : null;
        var value = new JsonObject { ["type"] = type };
        switch (type)
        {
            case "static_select" or "radio_buttons" or "overflow":
                value["selected_option"] = Option(element, given);
                break;
            case "multi_static_select" or "checkboxes":
                value["selected_options"] = new JsonArray([.. given.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(v => Option(element, v)).Where(o => o is not null)]);
                break;
            case "users_select":
                value["selected_user"] = filled;
                break;
            case "multi_users_select":
                value["selected_users"] = new JsonArray([.. given.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(v => (JsonNode?)v)]);
                break;
            case "conversations_select":
                value["selected_conversation"] = filled;
                break;
            case "channels_select":
                value["selected_channel"] = filled;
                break;
            case "datepicker":
                value["selected_date"] = filled;
                break;
            case "timepicker":
                value["selected_time"] = filled;
                break;
            default:
                value["value"] = filled;
                break;
        }

        return value;
    }

    private static string Initial(JsonObject element)
    {
        foreach (var name in (string[])["initial_value", "initial_date", "initial_time", "initial_user", "initial_conversation", "initial_channel"])
        {
            if (element[name] is { } initial) return initial.ToString();
        }

        if (element["initial_option"] is JsonObject option) return option["value"]!.ToString();
        return string.Join('\n', (element["initial_options"] as JsonArray ?? []).Select(o => o!["value"]!.ToString()));
    }

    private static string? Problem(JsonObject block, JsonObject element, string given)
    {
        if (given.Length == 0) return block["optional"]?.GetValue<bool>() == true ? null : "Please complete this required field.";
        if (element["min_length"] is { } min && given.Length < min.GetValue<int>()) return string.Create(CultureInfo.InvariantCulture, $"Please enter at least {min.GetValue<int>()} characters.");
        var most = element["max_length"]?.GetValue<int>() ?? 3000;
        return given.Length > most ? string.Create(CultureInfo.InvariantCulture, $"Please enter no more than {most} characters.") : null;
    }
}
