using IncidentFox.Contracts;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Gateway.Admission;

/// <summary>What a sandbox may call as policy stands, each with its schema. What is denied is not shown, to agents and models alike.</summary>
internal sealed class OfferedTools(IntegrationSource integrations, PolicySource policies, TimeProvider time)
{
    /// <summary>All of them, in the order of the rules.</summary>
    public IEnumerable<ToolDescription> Of(SandboxSession session)
    {
        foreach (var tool in integrations.Current.Tools(session.Resource.Team))
        {
            if (Describe(tool, session) is { } description)
                yield return description;
        }
    }

    /// <summary>One of them; null: it is not offered.</summary>
    public ToolDescription? Find(SandboxSession session, string name) =>
        integrations.Current.TryFindTool(session.Resource.Team, name, out var tool) ? Describe(tool, session) : null;

    private ToolDescription? Describe(TeamTool tool, SandboxSession session)
    {
        var rule = tool.Rule;
        if (!tool.HasCredential || !rule.Listed)
            return null;
        var decision = ToolDecider.Decide(policies.For(session.Resource.Org, session.Resource.Team), new ToolFacts(rule.Tool, rule.Effect, session.LowestRequesterRole)
        {
            Integration = tool.Integration.Name, OtherNames = rule.OtherNames, At = time.GetUtcNow(), AnyNamespace = rule.Parameters.Any(p => p.Name == ToolFacts.NamespaceParameter),
        });
        return decision is ToolDecision.Deny ? null : new ToolDescription
        {
            Name = rule.Tool,
            Integration = tool.Integration.Name,
            Description = rule.Description,
            Effect = rule.Effect switch { ToolEffect.Read => "read", ToolEffect.Write => "write", _ => "exec" },
            NeedsApproval = decision is ToolDecision.NeedsApproval,
            InputSchema = ToolSchema.Of(rule),
        };
    }
}
