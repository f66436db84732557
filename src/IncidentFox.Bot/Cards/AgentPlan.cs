using IncidentFox.Core.Investigations;

namespace IncidentFox.Bot.Cards;

/// <summary>Where a step of the agent's plan stands.</summary>
public enum PlanMark
{
    Planned,
    InProgress,
    Done,
    Failed,
}

/// <summary>One step, in the agent's words.</summary>
public sealed record PlanStep(string Title, PlanMark Mark, string Note);

/// <summary>The plan as the timeline tells it: steps in the order they first appeared, each in its latest state.</summary>
public static class AgentPlan
{
    private const int MaxSteps = 60;

    public static IReadOnlyList<PlanStep> Of(IEnumerable<TimelineEvent> timeline)
    {
        var order = new List<string>();
        var steps = new Dictionary<string, PlanStep>(StringComparer.Ordinal);
        foreach (var e in timeline.Where(e => e.Kind is "plan" or "step").OrderBy(e => e.Position))
        {
            if (AgentJson.TryParse(e.BodyJson) is not { } body)
                continue;
            var lines = e.Kind == "plan"
                ? body.Items("steps").Where(s => s.ValueKind == System.Text.Json.JsonValueKind.Object)
                    .Select(s => (Id: s.Text("id"), Step: new PlanStep(s.Text("title"), PlanMark.Planned, "")))
                : [(Id: body.Text("id"), Step: new PlanStep(body.Text("title"), Mark(body.Text("state")), body.Text("note")))];
            foreach (var (id, step) in lines)
            {
                if (id.Length == 0 || (!steps.ContainsKey(id) && steps.Count >= MaxSteps))
                    continue;
                if (!steps.TryGetValue(id, out var known))
                    order.Add(id);
                // A plan that is sent again must not undo what was done.
                if (known is null || e.Kind == "step")
                    steps[id] = step.Title.Length == 0 && known is not null ? step with { Title = known.Title } : step;
            }
        }
        return [.. order.Select(id => steps[id])];
    }

    private static PlanMark Mark(string state) => state switch
    {
        "done" => PlanMark.Done,
        "failed" => PlanMark.Failed,
        _ => PlanMark.InProgress,
    };
}
