using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Blocks;

/// <summary>Modals and App Home: the fields around the blocks.</summary>
internal static class ViewRules
{
    private const int MaxBytes = 250_000;

    public static List<string> Check(JsonObject view, bool home)
    {
        var errors = new List<string>();
        var node = new BlockNode(view, "/view", errors);
        if (node.Type != (home ? "home" : "modal")) node.Error($"unsupported type: {node.Type}", "/type");
        node.String("private_metadata", 3000, min: 0);
        node.String("callback_id", 255, min: 0);
        node.String("external_id", 255, min: 0);
        if (home) node.Allows("type", "blocks", "private_metadata", "callback_id", "external_id");
        else Modal(node);

        if (view["blocks"] is not JsonArray blocks) node.Error("missing required field: blocks");
        else errors.AddRange(BlockRules.Check(blocks, home ? Surface.Home : Surface.Modal, "/view"));
        if (view.ToJsonString().Length > MaxBytes) node.Error("view is too large");
        return errors;
    }

    private static void Modal(BlockNode modal)
    {
        modal.Allows("type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close", "notify_on_close", "external_id", "submit_disabled");
        modal.Text("title", 24, required: true, plainOnly: true);
        modal.Text("close", 24, plainOnly: true);
        modal.Text("submit", 24, plainOnly: true);
        modal.Bool("clear_on_close");
        modal.Bool("notify_on_close");
        var asks = (modal.Value["blocks"] as JsonArray)?.OfType<JsonObject>().Any(b => b["type"]?.ToString() == "input") == true;
        if (asks && !modal.Has("submit")) modal.Error("missing required field: submit");
    }
}
