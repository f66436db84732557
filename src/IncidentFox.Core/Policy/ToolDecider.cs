using IncidentFox.Core.Identity;
using IncidentFox.Core.Tools;

namespace IncidentFox.Core.Policy;

/// <summary>
/// The decision itself: total and pure. The most specific entry that speaks of a call answers, question by question; where entries disagree that are
/// equally specific, or where it can't be told whether an entry's condition holds, the stricter answer counts. What is not known is denied.
/// </summary>
public static class ToolDecider
{
    /// <summary>Decides one call of a tool that a rule defines.</summary>
    public static ToolDecision Decide(ToolPolicy policy, ToolFacts facts)
    {
        if (policy.Unreadable is { } why)
            return new ToolDecision.Deny(why);
        var answers = ToolAnswers.Of(policy, facts);
        if (!answers.Enabled)
            return new ToolDecision.Deny($"Tool {facts.Tool} is switched off by policy ({answers.EnabledBy}.enabled).");
        if (!Enum.IsDefined(facts.LowestRequesterRole) || facts.LowestRequesterRole < answers.Minimum)
        {
            return new ToolDecision.Deny(
                $"Tool {facts.Tool} needs the role {answers.Minimum.Name()}; the lowest role among those who asked is {facts.LowestRequesterRole.Name()}.");
        }
        if (!Enum.IsDefined(facts.Effect))
            return new ToolDecision.Deny($"Tool {facts.Tool} has an effect that is not known.");
        var workflows = policy.WorkflowIndex.Of(facts, policy.Environments);
        if (!Asks(facts, answers, workflows))
            return new ToolDecision.Allow();
        if (!policy.WorkflowsEnabled)
            return new ToolDecision.Deny($"Tool {facts.Tool} needs an approval, and approvals are switched off (approval_workflows.enabled).");
        // What only lists tools need not know whose approval it would take.
        return (WorkflowAnswers.Of(policy, facts, workflows) ?? (facts.AnyNamespace ? policy.Default : null)) is { } workflow
            ? new ToolDecision.NeedsApproval(workflow)
            : new ToolDecision.Deny(
                $"Tool {facts.Tool} needs an approval, and it can't be told whose: entries of approval_workflows.actions with a condition that can't be judged for this call "
                + "name different approvers. Give an entry without a condition for this tool.");
    }

    // A change always asks, and so does whatever an entry names for itself: a star only says how, where something asks.
    private static bool Asks(in ToolFacts facts, in ToolAnswers answers, List<Applying<WorkflowSetting>> workflows) =>
        facts.Effect is not ToolEffect.Read || answers.RequireApproval
        || workflows.Exists(facts.AnyNamespace ? w => w is { Certain: true, Setting.Name.Tool: not null } : w => w.Setting.Name.Tool is not null);
}

/// <summary>What the entries of <c>tools</c> answer for one call.</summary>
internal readonly record struct ToolAnswers(bool Enabled, string EnabledBy, Role Minimum, bool RequireApproval)
{
    /// <summary>The lowest role that may call a tool of which nothing is said.</summary>
    public const Role DefaultMinimum = Role.Operator;

    public static ToolAnswers Of(ToolPolicy policy, ToolFacts facts)
    {
        var applying = policy.ToolIndex.Of(facts, policy.Environments);
        if (applying.Count == 0)
            return new(true, "", DefaultMinimum, false);
        // While the namespace is open, the most open answer that one could get; else the strictest.
        var open = facts.AnyNamespace;
        var enabled = PolicyIndex<ToolSetting>.Answering(applying, Questions.Enabled, out var settled);
        var isEnabled = open
            ? (!settled || enabled.Exists(static a => a.Setting.Enabled == true))
            : enabled.TrueForAll(static a => a.Setting.Enabled == true);
        var roles = PolicyIndex<ToolSetting>.Answering(applying, Questions.AllowedRoles, out settled);
        var minimums = roles.Select(static a => a.Setting.AllowedRoles.Min()).Concat(settled ? [] : [DefaultMinimum]);
        var approval = PolicyIndex<ToolSetting>.Answering(applying, Questions.RequireApproval, out settled);
        var asks = open
            ? settled && approval.TrueForAll(static a => a.Setting.RequireApproval == true)
            : approval.Exists(static a => a.Setting.RequireApproval == true);
        return new(isEnabled, enabled.Find(static a => a.Setting.Enabled == false).Setting?.Path.TrimStart('$', '.') ?? "", open ? minimums.Min() : minimums.Max(), asks);
    }
}

/// <summary>What the entries of <c>approval_workflows.actions</c> answer for one call, the default filled in.</summary>
internal static class WorkflowAnswers
{
    /// <summary>The terms; null when it can't be told whose approval counts.</summary>
    public static Workflow? Of(ToolPolicy policy, ToolFacts facts, List<Applying<WorkflowSetting>> applying)
    {
        var terms = policy.Default;
        if (applying.Count > 0)
        {
            if (Choose(applying, terms) is not { } who)
                return null;
            terms = new Workflow
            {
                RequiredApprovers = Answers(applying, static s => s.RequiredApprovers, terms.RequiredApprovers).Max(),
                TimeoutMinutes = Answers(applying, static s => s.TimeoutMinutes, terms.TimeoutMinutes).Min(),
                NotifyChannel = applying.Find(static a => a is { Certain: true, Setting.NotifyChannel: not null }).Setting?.NotifyChannel ?? terms.NotifyChannel,
                ApproverRole = who.Role,
                Approvers = who.Approvers,
                Escalation = Escalate(applying, terms),
                AllowSelfApproval = Answers(applying, static s => s.AllowSelfApproval, terms.AllowSelfApproval).All(static b => b),
                BreakGlass = Answers(applying, static s => s.BreakGlass, terms.BreakGlass).All(static b => b),
                ReminderMinutes = applying.Find(static a => a is { Certain: true, Setting.ReminderMinutes: not null }).Setting?.ReminderMinutes ?? terms.ReminderMinutes,
            };
        }
        return terms.AllowSelfApproval && policy.Environments.IsProduction(facts) ? terms with { AllowSelfApproval = false } : terms;
    }

    private static IEnumerable<T> Answers<T>(List<Applying<WorkflowSetting>> applying, Func<WorkflowSetting, T?> answer, T otherwise) where T : struct
    {
        var answering = PolicyIndex<WorkflowSetting>.Answering(applying, s => answer(s) is not null, out var settled);
        return answering.Select(a => answer(a.Setting)!.Value).Concat(settled ? [] : [otherwise]);
    }

    // Roles can be compared. Of names the first that holds for certain counts; when another may hold instead, nobody can tell whose approval it would take.
    private static ApproverChoice? Choose(List<Applying<WorkflowSetting>> applying, Workflow otherwise)
    {
        var answering = PolicyIndex<WorkflowSetting>.Answering(applying, Questions.Approvers, out var settled);
        List<ApproverChoice> choices = [.. answering.Select(static a => a.Setting.Who!)];
        if (!settled)
            choices.Add(new(otherwise.ApproverRole, otherwise.Approvers));
        if (choices.TrueForAll(static c => c.Approvers.Count == 0))
            return choices.MaxBy(static c => c.Role);
        return answering.TrueForAll(static a => a.Certain) || choices.Distinct().Count() == 1 ? choices[0] : null;
    }

    // Escalation widens: of steps that only may hold, none.
    private static IReadOnlyList<EscalationStep> Escalate(List<Applying<WorkflowSetting>> applying, Workflow otherwise)
    {
        var answering = PolicyIndex<WorkflowSetting>.Answering(applying, Questions.Escalation, out var settled);
        List<IReadOnlyList<EscalationStep>> possible = [.. answering.Select(static a => a.Setting.Escalation!)];
        if (!settled)
            possible.Add(otherwise.Escalation);
        return answering.TrueForAll(static a => a.Certain) || possible.TrueForAll(p => p.SequenceEqual(possible[0])) ? possible[0] : [];
    }
}
