using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Blocks;

internal enum Surface
{
    Message,
    Modal,
    Home,
}

/// <summary>
/// Block Kit's documented limits (docs.slack.dev/reference/block-kit), block by block. Written from Slack's pages and from nothing
/// of the product's, so that a mistake there is not repeated here.
/// </summary>
internal static class BlockRules
{
    /// <summary>Checks a block list and returns the errors in Slack's words; empty when it is fine.</summary>
    public static List<string> Check(JsonArray blocks, Surface surface, string pointer = "")
    {
        var errors = new List<string>();
        var root = new BlockNode(new JsonObject { ["blocks"] = blocks.DeepClone() }, pointer, errors);
        var seen = new HashSet<string>();
        var tables = 0;
        foreach (var block in root.Children("blocks", 0, surface == Surface.Message ? 50 : 100))
        {
            Check(block, surface);
            if (block.String("block_id", 255) is { } id && !seen.Add(id)) block.Error($"block_id \"{id}\" already exists", "/block_id");
            if (block.Type == "table" && ++tables == 2) block.Error("only_one_table_allowed");
        }

        return errors;
    }

    private static void Check(BlockNode block, Surface surface)
    {
        switch (block.Type)
        {
            case "header":
                block.Allows("type", "block_id", "text", "level");
                block.Text("text", 150, required: true, plainOnly: true);
                block.Whole("level", 1, 4);
                break;
            case "section":
                Section(block);
                break;
            case "context":
                block.Allows("type", "block_id", "elements");
                foreach (var element in block.Children("elements", 1, 10)) ContextElement(element);
                break;
            case "actions":
                block.Allows("type", "block_id", "elements");
                Actions(block);
                break;
            case "divider":
                block.Allows("type", "block_id");
                break;
            case "image":
                block.Allows("type", "block_id", "image_url", "slack_file", "alt_text", "title");
                ElementRules.ImageSource(block);
                block.Text("title", 2000, plainOnly: true);
                break;
            case "rich_text":
                RichTextRules.Check(block);
                break;
            case "input":
                Input(block, surface);
                break;
            case "markdown" when surface == Surface.Message:
                block.Allows("type", "block_id", "text");
                block.String("text", 12_000, required: true);
                break;
            case "table" when surface == Surface.Message:
                TableRules.Check(block);
                break;
            case "plan" when surface == Surface.Message:
                TaskRules.Plan(block);
                break;
            case "task_card" when surface == Surface.Message:
                TaskRules.Card(block, insidePlan: false);
                break;
            case "":
                block.Error("missing required field: type");
                break;
            default:
                block.Error($"unsupported type: {block.Type}", "/type");
                break;
        }
    }

    private static void Section(BlockNode block)
    {
        block.Allows("type", "block_id", "text", "fields", "accessory", "expand");
        block.Bool("expand");
        block.Text("text", 3000);
        if (!block.Has("text") && !block.Has("fields")) block.Error("missing required field: text");
        foreach (var field in block.Children("fields", 1, 10, required: false)) field.AsText(2000, plainOnly: false);
        if (block.Child("accessory") is { } accessory) ElementRules.Check(accessory, ElementPlace.Section);
    }

    private static void ContextElement(BlockNode element)
    {
        if (element.Type == "image") ElementRules.Check(element, ElementPlace.Context);
        else element.AsText(3000, plainOnly: false);
    }

    private static void Actions(BlockNode block)
    {
        var seen = new HashSet<string>();
        foreach (var element in block.Children("elements", 1, 25))
        {
            ElementRules.Check(element, ElementPlace.Actions);
            if ((element.Value["action_id"] as JsonValue)?.ToString() is { } id && !seen.Add(id)) element.Error($"action_id \"{id}\" already exists", "/action_id");
        }
    }

    private static void Input(BlockNode block, Surface surface)
    {
        block.Allows("type", "block_id", "label", "element", "dispatch_action", "hint", "optional");
        block.Bool("dispatch_action");
        block.Bool("optional");
        block.Text("label", 2000, required: true, plainOnly: true);
        block.Text("hint", 2000, plainOnly: true);
        if (block.Child("element", required: true) is { } element) ElementRules.Check(element, surface == Surface.Modal ? ElementPlace.ModalInput : ElementPlace.Input);
    }
}
