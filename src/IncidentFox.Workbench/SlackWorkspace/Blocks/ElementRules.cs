using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Blocks;

internal enum ElementPlace
{
    Section,
    Context,
    Actions,
    Input,
    ModalInput,
}

/// <summary>Interactive elements and the composition objects they are made of.</summary>
internal static class ElementRules
{
    private const string Everywhere = "section actions input";

    /// <summary>Which element may stand where, from each element's page.</summary>
    private static readonly Dictionary<string, string> Places = new()
    {
        ["button"] = "section actions",
        ["overflow"] = "section actions",
        ["image"] = "section context",
        ["static_select"] = Everywhere,
        ["users_select"] = Everywhere,
        ["conversations_select"] = Everywhere,
        ["channels_select"] = Everywhere,
        ["multi_static_select"] = "section input",
        ["multi_users_select"] = "section input",
        ["checkboxes"] = Everywhere,
        ["radio_buttons"] = Everywhere,
        ["datepicker"] = Everywhere,
        ["timepicker"] = Everywhere,
        ["plain_text_input"] = "input",
        ["number_input"] = "input",
        ["email_text_input"] = "input",
        ["url_text_input"] = "input",
    };

    public static void Check(BlockNode element, ElementPlace place)
    {
        var word = place switch { ElementPlace.Section => "section", ElementPlace.Context => "context", ElementPlace.Actions => "actions", _ => "input" };
        if (!Places.TryGetValue(element.Type, out var places) || !places.Split(' ').Contains(word))
        {
            element.Error($"unsupported type: {element.Type}", "/type");
            return;
        }

        if (element.Type != "image") element.String("action_id", 255);
        if (element.Has("confirm")) Confirm(element.Child("confirm"));
        switch (element.Type)
        {
            case "button":
                Button(element);
                break;
            case "image":
                element.Allows("type", "image_url", "slack_file", "alt_text");
                ImageSource(element);
                break;
            case "overflow":
                element.Allows("type", "action_id", "options", "confirm");
                Options(element, "options", 1, 5, required: true, plainOnly: true);
                break;
            case "static_select" or "multi_static_select":
                Select(element);
                break;
            case "users_select" or "conversations_select" or "channels_select" or "multi_users_select":
                element.Allows("type", "action_id", "placeholder", "initial_user", "initial_users", "initial_conversation", "initial_channel", "confirm",
                    "focus_on_load", "max_selected_items", "default_to_current_conversation", "response_url_enabled", "filter");
                element.Text("placeholder", 150, plainOnly: true);
                break;
            case "checkboxes" or "radio_buttons":
                element.Allows("type", "action_id", "options", "initial_options", "initial_option", "confirm", "focus_on_load");
                Options(element, "options", 1, 10, required: true, plainOnly: false);
                break;
            case "datepicker" or "timepicker":
                element.Allows("type", "action_id", "placeholder", "initial_date", "initial_time", "timezone", "confirm", "focus_on_load");
                element.Text("placeholder", 150, plainOnly: true);
                break;
            default:
                TextInput(element);
                break;
        }
    }

    public static void ImageSource(BlockNode image)
    {
        image.String("alt_text", 2000, required: true, min: 0);
        image.Url("image_url");
        if (image.Has("image_url") == image.Has("slack_file")) image.Error("must provide exactly one of image_url or slack_file");
    }

    private static void Button(BlockNode button)
    {
        button.Allows("type", "action_id", "text", "url", "value", "style", "confirm", "accessibility_label");
        button.Text("text", 75, required: true, plainOnly: true);
        button.Url("url");
        button.String("value", 2000, min: 0);
        button.OneOf("style", required: false, "primary", "danger");
        button.String("accessibility_label", 75);
    }

    private static void Select(BlockNode select)
    {
        select.Allows("type", "action_id", "placeholder", "options", "option_groups", "initial_option", "initial_options", "confirm", "focus_on_load", "max_selected_items");
        select.Text("placeholder", 150, plainOnly: true);
        select.Whole("max_selected_items", 1, 100);
        if (select.Has("options") == select.Has("option_groups")) select.Error("must provide exactly one of options or option_groups");
        if (select.Has("options")) Options(select, "options", 1, 100, required: true, plainOnly: true);
        foreach (var group in select.Children("option_groups", 1, 100, required: false))
        {
            group.Allows("label", "options");
            group.Text("label", 75, required: true, plainOnly: true);
            Options(group, "options", 1, 100, required: true, plainOnly: true);
        }
    }

    private static void Options(BlockNode owner, string name, int min, int max, bool required, bool plainOnly)
    {
        var seen = new HashSet<string>();
        foreach (var option in owner.Children(name, min, max, required))
        {
            option.Allows("text", "value", "description", "url");
            option.Text("text", 75, required: true, plainOnly);
            option.Text("description", 75, plainOnly: plainOnly);
            option.Url("url");
            if (option.String("value", 150, required: true) is { } value && !seen.Add(value)) option.Error($"option value \"{value}\" already exists", "/value");
        }
    }

    private static void TextInput(BlockNode input)
    {
        input.Allows("type", "action_id", "initial_value", "multiline", "min_length", "max_length", "dispatch_action_config", "focus_on_load", "placeholder",
            "is_decimal_allowed", "min_value", "max_value");
        input.Text("placeholder", 150, plainOnly: true);
        input.Bool("multiline");
        input.Bool("focus_on_load");
        input.Whole("min_length", 0, 3000);
        input.Whole("max_length", 1, 3000);
        input.String("initial_value", 3000, min: 0);
        if (input.Type == "number_input" && (input.Value["is_decimal_allowed"] as JsonValue) is null) input.Error("missing required field: is_decimal_allowed");
    }

    private static void Confirm(BlockNode? confirm)
    {
        if (confirm is null) return;
        confirm.Allows("title", "text", "confirm", "deny", "style");
        confirm.Text("title", 100, required: true, plainOnly: true);
        confirm.Text("text", 300, required: true);
        confirm.Text("confirm", 30, required: true, plainOnly: true);
        confirm.Text("deny", 30, required: true, plainOnly: true);
        confirm.OneOf("style", required: false, "primary", "danger");
    }
}
