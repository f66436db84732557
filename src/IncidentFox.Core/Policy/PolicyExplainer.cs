using System.Globalization;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Tools;

namespace IncidentFox.Core.Policy;

/// <summary>Says what policy decides of a call, which entries decide it and why, by the very code that decides.</summary>
public static class PolicyExplainer
{
    /// <summary>Lines to read from top to bottom: the decision, what is known of the call, then question by question who answers it.</summary>
    public static IReadOnlyList<string> Explain(ToolPolicy policy, ToolFacts facts)
    {
        var lines = new List<string> { Verdict(policy, facts) };
        if (policy.Unreadable is not null)
            return lines;
        lines.Add(Circumstances(policy, facts));
        var tools = policy.ToolIndex.Of(facts, policy.Environments);
        lines.Add(Answer("enabled", tools, Questions.Enabled, s => s.Enabled == true ? "true" : "false", "true: no entry says otherwise"));
        lines.Add(Answer("allowed_roles", tools, Questions.AllowedRoles, s => $"{s.AllowedRoles.Min().Name()} or above", $"{ToolAnswers.DefaultMinimum.Name()} or above: no entry says otherwise")
            + $"; the lowest role of those who ask is {facts.LowestRequesterRole.Name()}");
        lines.Add(facts.Effect is ToolEffect.Read
            ? Answer("require_approval", tools, Questions.RequireApproval, s => s.RequireApproval == true ? "true" : "false", "false: it only reads, and no entry says otherwise")
            : "require_approval: true: it changes something; no entry can take that away");
        var workflows = policy.WorkflowIndex.Of(facts, policy.Environments);
        if (ToolDecider.Decide(policy, facts) is ToolDecision.NeedsApproval needs)
            AddTerms(lines, workflows, policy.Default, needs.Workflow);
        foreach (var setting in NotHolding(policy, facts))
            lines.Add($"not counted: {setting.Path}: its condition (when) does not hold for this call");
        return lines;
    }

    private static string Verdict(ToolPolicy policy, ToolFacts facts) => ToolDecider.Decide(policy, facts) switch
    {
        ToolDecision.Allow => $"{facts.Tool}: allowed",
        ToolDecision.NeedsApproval { Workflow: var w } => $"{facts.Tool}: stops until {w.Describe()}",
        ToolDecision.Deny deny => $"{facts.Tool}: denied: {deny.Reason}",
        _ => $"{facts.Tool}: denied",
    };

    private static string Circumstances(ToolPolicy policy, ToolFacts facts)
    {
        var environment = policy.Environments.IsProduction(facts)
            ? policy.Environments.Sets.Any(s => s.Name == EnvironmentMap.Production && s.Holds(facts)) ? "production" : "production (no environment of the policy is known to hold it)"
            : string.Join(", ", policy.Environments.Sets.Where(s => s.Holds(facts)).Select(s => s.Name));
        var at = facts.At is { } time ? time.UtcDateTime.ToString("ddd yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture) : "not known";
        return $"the call: integration {facts.Integration ?? "none"}, {facts.Effect.ToString().ToLowerInvariant()}, namespace {facts.Namespace ?? "none"}, environment {environment}, time {at}";
    }

    private static void AddTerms(List<string> lines, List<Applying<WorkflowSetting>> workflows, Workflow fallback, Workflow terms)
    {
        static string Text(decimal? number) => number?.ToString("0.##", CultureInfo.InvariantCulture) ?? "";
        lines.Add(Answer("required_approvers", workflows, Questions.RequiredApprovers, s => Text(s.RequiredApprovers), $"{fallback.RequiredApprovers}: the default"));
        lines.Add(Answer("timeout_minutes", workflows, Questions.TimeoutMinutes, s => Text(s.TimeoutMinutes), $"{Text(fallback.TimeoutMinutes)}: the default"));
        lines.Add(Answer("approvers", workflows, Questions.Approvers, s => Who(s.Who!), $"{Who(new(fallback.ApproverRole, fallback.Approvers))}: the default"));
        if (terms.Escalation.Count > 0)
            lines.Add(Answer("escalation", workflows, Questions.Escalation, s => $"{s.Escalation!.Count} steps", $"{fallback.Escalation.Count} steps: the default"));
        if (workflows.Exists(a => a.Setting.AllowSelfApproval is not null))
        {
            lines.Add(Answer("allow_self_approval", workflows, Questions.AllowSelfApproval, s => s.AllowSelfApproval == true ? "true" : "false", "false: the default")
                + (terms.AllowSelfApproval ? "" : "; it is false for this call"));
        }
        if (workflows.Exists(a => a.Setting.BreakGlass is not null) || terms.BreakGlass)
            lines.Add(Answer("break_glass", workflows, Questions.BreakGlass, s => s.BreakGlass == true ? "true" : "false", $"{(fallback.BreakGlass ? "true" : "false")}: the default"));
    }

    private static string Answer<T>(string question, List<Applying<T>> applying, Func<T, bool> answers, Func<T, string> text, string otherwise) where T : class, IPolicySetting
    {
        var answering = PolicyIndex<T>.Answering(applying, answers, out var settled);
        if (answering.Count == 0)
            return $"{question}: {otherwise}";
        var said = answering.Select(a => $"{text(a.Setting)}: {a.Setting.Path}{Why(a)}").ToList();
        if (!settled)
            said.Add(otherwise);
        return $"{question}: {string.Join("; ", said)}{(said.Count > 1 ? "; the stricter counts" : "")}";
    }

    private static string Why<T>(Applying<T> answer) where T : IPolicySetting => answer switch
    {
        { Certain: false } => " (whether its condition holds can't be told)",
        { Setting.When: not null } => " (its condition holds)",
        _ => "",
    };

    private static string Who(ApproverChoice who) => who.Approvers.Count > 0 ? string.Join(", ", who.Approvers) : $"role {who.Role.Name()} or above";

    private static IEnumerable<IPolicySetting> NotHolding(ToolPolicy policy, ToolFacts facts) => policy.Tools.Cast<IPolicySetting>().Concat(policy.Workflows)
        .Where(s => s.When is { } when && Means(s.Name, facts) && when.Judge(facts, policy.Environments) == Truth.No);

    private static bool Means(ToolPattern name, ToolFacts facts) =>
        (name.Tool is { } tool ? facts.IsCalled(tool) : facts.Integration is not null) && (name.Integration is null || name.Integration == facts.Integration);
}
