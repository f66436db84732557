using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using IncidentFox.Core.Identity;

namespace IncidentFox.Core.Policy;

/// <summary>Reads one workflow: an entry of <c>approval_workflows</c>, or terms that were frozen with an approval.</summary>
internal static partial class WorkflowParser
{
    public const string SelfApprovalNeedsEnvironments =
        "is never for production, which is what every call counts as that is not known to be elsewhere: give the entry a condition (when.environments) that names other environments only";

    private const int MaxApprovers = 50;
    private const int MaxSteps = 10;
    private const decimal MaxMinutes = 7 * 24 * 60;

    /// <summary>Reads it. Frozen terms have everything, a role beside names too; in a policy that would be a setting that does nothing.</summary>
    public static WorkflowSetting Parse(JsonObject o, string path, Errors errors, bool frozen = false, bool mayHaveCondition = false)
    {
        string[] known =
        [
            "required_approvers", "timeout_minutes", "notify_channel", "approver_role", "approvers", "escalation", "allow_self_approval", "break_glass", "reminder_minutes",
        ];
        errors.OnlyKnown(o, path, mayHaveCondition ? [.. known, "when"] : known);
        return new WorkflowSetting
        {
            Path = path,
            RequiredApprovers = errors.Whole(o, path, "required_approvers", 1, 20),
            TimeoutMinutes = errors.Number(o, path, "timeout_minutes", 0.01m, MaxMinutes),
            NotifyChannel = Channel(o, path, errors),
            Who = Who(o, path, errors, frozen),
            Escalation = Escalation(o, path, errors),
            AllowSelfApproval = errors.Boolean(o, path, "allow_self_approval"),
            BreakGlass = errors.Boolean(o, path, "break_glass"),
            ReminderMinutes = errors.Number(o, path, "reminder_minutes", 1, MaxMinutes),
        };
    }

    /// <summary>What would come after the end never comes.</summary>
    public static void CheckTimes(WorkflowSetting setting, Workflow fallback, Errors errors)
    {
        var end = setting.TimeoutMinutes ?? fallback.TimeoutMinutes;
        if (setting.ReminderMinutes >= end)
            errors.Add($"{setting.Path}.reminder_minutes", $"must be less than timeout_minutes, which is {end:0.##}");
        foreach (var (step, i) in (setting.Escalation ?? []).Select((step, i) => (step, i)))
        {
            if (step.AfterMinutes >= end)
                errors.Add($"{setting.Path}.escalation[{i}].after_minutes", $"must be less than timeout_minutes, which is {end:0.##}");
        }
    }

    private static ApproverChoice? Who(JsonObject o, string path, Errors errors, bool frozen)
    {
        Role? role = null;
        if (errors.Text(o, path, "approver_role") is { } name)
        {
            if (RoleNames.TryParse(name, out var parsed))
                role = parsed;
            else
                errors.Add($"{path}.approver_role", "must be one of viewer, operator, admin, org_admin");
        }
        var approvers = frozen && o["approvers"] is JsonArray { Count: 0 } ? null : Approvers(o, path, errors);
        if (approvers is not null && role is not null && !frozen)
            errors.Add($"{path}.approver_role", "does nothing beside approvers; say role:… among the approvers instead");
        return approvers is null && role is null ? null : new(role ?? new Workflow().ApproverRole, approvers ?? []);
    }

    private static List<Approver>? Approvers(JsonObject o, string path, Errors errors) =>
        errors.Texts(o, path, "approvers", MaxApprovers, Approver.Forms, text => Approver.TryParse(text, out var approver) ? approver : null) is { } list
            ? [.. list.Distinct()]
            : null;

    private static List<EscalationStep>? Escalation(JsonObject o, string path, Errors errors)
    {
        if (!o.TryGetPropertyValue("escalation", out var node))
            return null;
        if (node is not JsonArray { Count: <= MaxSteps } list)
        {
            errors.Add($"{path}.escalation", $"must be a list of at most {MaxSteps} steps; an empty one switches off what a wider entry says");
            return null;
        }
        var steps = new List<EscalationStep>();
        for (var i = 0; i < list.Count; i++)
        {
            var at = $"{path}.escalation[{i}]";
            if (list[i] is JsonObject step)
                steps.Add(Step(step, at, errors));
            else
                errors.Add(at, "must be an object");
        }
        return [.. steps.OrderBy(s => s.AfterMinutes)];
    }

    private static EscalationStep Step(JsonObject step, string path, Errors errors)
    {
        errors.OnlyKnown(step, path, "after_minutes", "approvers", "notify_channel");
        if (!step.ContainsKey("after_minutes"))
            errors.Add($"{path}.after_minutes", "is missing");
        var approvers = step["approvers"] is JsonArray { Count: 0 } ? [] : Approvers(step, path, errors) ?? [];
        var channel = Channel(step, path, errors);
        if (approvers.Count == 0 && channel is null && !step.ContainsKey("approvers"))
            errors.Add(path, "does nothing: give approvers, notify_channel or both");
        return new(errors.Number(step, path, "after_minutes", 0.01m, MaxMinutes) ?? 0, approvers, channel);
    }

    private static string? Channel(JsonObject o, string path, Errors errors)
    {
        if (errors.Text(o, path, "notify_channel") is not { } channel)
            return null;
        if (ChannelName().IsMatch(channel))
            return channel;
        errors.Add($"{path}.notify_channel", "must be a channel such as #sre-approvals, or a Slack channel id");
        return null;
    }

    [GeneratedRegex("\\A(#[\\p{Ll}\\p{Lo}\\p{N}_-]{1,80}|[CG][A-Z0-9]{2,30})\\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex ChannelName();
}
