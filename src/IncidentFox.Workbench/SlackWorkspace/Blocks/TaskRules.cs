namespace IncidentFox.Workbench.SlackWorkspace.Blocks;

/// <summary>The plan and task_card blocks: what an app is doing, step by step.</summary>
internal static class TaskRules
{
    public static void Plan(BlockNode plan)
    {
        plan.Allows("type", "block_id", "title", "tasks");
        plan.String("title", 256, required: true);
        var seen = new HashSet<string>();
        foreach (var task in plan.Children("tasks", 0, 50, required: false))
        {
            Card(task, insidePlan: true);
            if (task.Value["task_id"]?.ToString() is { } id && !seen.Add(id)) task.Error($"task_id \"{id}\" already exists", "/task_id");
        }
    }

    public static void Card(BlockNode card, bool insidePlan)
    {
        card.Allows("type", "block_id", "task_id", "title", "details", "output", "sources", "status");
        if (insidePlan && card.Type is not ("" or "task_card")) card.Error($"unsupported type: {card.Type}", "/type");
        card.String("task_id", 255, required: true);
        card.String("title", 256, required: true);
        card.OneOf("status", required: false, "pending", "in_progress", "complete", "error");
        foreach (var name in (string[])["details", "output"])
        {
            if (card.Child(name) is not { } text) continue;
            if (text.Type == "rich_text") RichTextRules.Check(text);
            else text.Error($"unsupported type: {text.Type}", "/type");
        }

        foreach (var source in card.Children("sources", 0, 50, required: false))
        {
            source.Allows("type", "url", "text", "icon_url");
            source.OneOf("type", required: true, "url");
            source.Url("url", required: true);
            source.String("text", 255, required: true);
        }
    }
}
