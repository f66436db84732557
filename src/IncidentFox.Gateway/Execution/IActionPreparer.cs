using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Execution;

/// <summary>Turns a call that needs an approval into what is frozen and what approvers are shown: reads preconditions, asks for a dry run, renders.</summary>
public interface IActionPreparer
{
    /// <summary>Prepares. An expected failure is a result.</summary>
    /// <param name="integration">Where to.</param>
    /// <param name="rule">The call's rule.</param>
    /// <param name="call">The call.</param>
    /// <param name="reason">Why, in the agent's words; null when it gave none.</param>
    /// <param name="context">On whose behalf.</param>
    /// <param name="policyDigest">Of the policy and workflow that ask for the approval.</param>
    /// <param name="cancellationToken">Cancels.</param>
    Task<PreparedAction> PrepareAsync(
        Integration integration, ToolRule rule, ToolCall call, string? reason, SendContext context, string policyDigest, CancellationToken cancellationToken);
}

/// <summary>What came of preparing.</summary>
public abstract record PreparedAction
{
    private PreparedAction() { }

    /// <summary>People can be asked.</summary>
    public sealed record Ready(FrozenRequest Frozen, EffectPreview Effect) : PreparedAction;

    /// <summary>It makes no sense to ask: the target refuses, is not there, or can't be reached.</summary>
    /// <param name="Code">Machine-readable.</param>
    /// <param name="Sentence">For the agent and for people.</param>
    public sealed record Refused(string Code, string Sentence) : PreparedAction;
}
