using IncidentFox.Contracts;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Gateway.AgentDoor.Endpoints;

/// <summary><c>GET /v1/agent/tools</c>: what this sandbox may call as policy stands, each with its schema. What is denied is not shown.</summary>
internal sealed class ToolListEndpoint(IntegrationSource integrations, PolicySource policies)
{
    public Task HandleAsync(AgentRequest request)
    {
        var session = request.Session!;
        var policy = policies.Current;
        var tools = new List<ToolDescription>();
        foreach (var (integration, rule, hasCredential) in integrations.Current.Tools(session.Resource.Team))
        {
            if (!hasCredential || !rule.Listed)
                continue;
            var decision = ToolDecider.Decide(policy, new ToolFacts(rule.Tool, rule.Effect, session.LowestRequesterRole));
            if (decision is ToolDecision.Deny)
                continue;
            tools.Add(new ToolDescription
            {
                Name = rule.Tool,
                Integration = integration.Name,
                Description = rule.Description,
                Effect = rule.Effect switch { ToolEffect.Read => "read", ToolEffect.Write => "write", _ => "exec" },
                NeedsApproval = decision is ToolDecision.NeedsApproval,
                InputSchema = ToolSchema.Of(rule),
            });
        }
        return request.AnswerAsync(200, new ToolList { Tools = tools }, ContractsJson.Default.ToolList);
    }
}
