using IncidentFox.Core.Identity;
using IncidentFox.Core.Tools;

namespace IncidentFox.Core.Policy;

/// <summary>What policy says of one call.</summary>
public abstract record ToolDecision
{
    private ToolDecision() { }

    /// <summary>It may run now.</summary>
    public sealed record Allow : ToolDecision;

    /// <summary>It stops until people agree under these terms.</summary>
    public sealed record NeedsApproval(Workflow Workflow) : ToolDecision;

    /// <summary>It does not run.</summary>
    /// <param name="Reason">A sentence a person can act on.</param>
    public sealed record Deny(string Reason) : ToolDecision;
}

/// <summary>What the decision looks at, apart from policy: nothing of the agent's choosing but the tool's name.</summary>
/// <param name="Tool">The tool's name.</param>
/// <param name="Effect">From its rule.</param>
/// <param name="LowestRequesterRole">The lowest role among all whose words reached the sandbox; none when no person asked.</param>
public readonly record struct ToolFacts(string Tool, ToolEffect Effect, Role LowestRequesterRole);

/// <summary>The decision itself: total and pure. Where two settings disagree the stricter wins; what is not known is denied.</summary>
public static class ToolDecider
{
    /// <summary>Decides one call of a tool that a rule defines.</summary>
    public static ToolDecision Decide(ToolPolicy policy, ToolFacts facts)
    {
        var setting = policy.Tools.GetValueOrDefault(facts.Tool);
        if (setting is { Enabled: false })
            return new ToolDecision.Deny($"Tool {facts.Tool} is switched off by policy (tools.{facts.Tool}.enabled).");
        // A role list is a minimum: who has more may too.
        var minimum = setting is { AllowedRoles.Count: > 0 } ? setting.AllowedRoles.Min() : Role.Operator;
        if (!Enum.IsDefined(facts.LowestRequesterRole) || facts.LowestRequesterRole < minimum)
        {
            return new ToolDecision.Deny(
                $"Tool {facts.Tool} needs the role {minimum.Name()}; the lowest role among those who asked is {facts.LowestRequesterRole.Name()}.");
        }
        if (!Enum.IsDefined(facts.Effect))
            return new ToolDecision.Deny($"Tool {facts.Tool} has an effect that is not known.");
        var changes = facts.Effect is not ToolEffect.Read;
        var asks = changes || setting?.RequireApproval == true || policy.Workflows.ContainsKey(facts.Tool);
        if (!asks)
            return new ToolDecision.Allow();
        if (!policy.WorkflowsEnabled)
            return new ToolDecision.Deny($"Tool {facts.Tool} needs an approval, and approvals are switched off (approval_workflows.enabled).");
        return new ToolDecision.NeedsApproval(policy.WorkflowFor(facts.Tool));
    }
}
