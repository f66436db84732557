using IncidentFox.Contracts;
using IncidentFox.Gateway.Admission;

namespace IncidentFox.Gateway.AgentDoor.Endpoints;

/// <summary><c>GET /v1/agent/tools</c>: what this sandbox may call.</summary>
internal sealed class ToolListEndpoint(OfferedTools tools)
{
    public Task HandleAsync(AgentRequest request) =>
        request.AnswerAsync(200, new ToolList { Tools = [.. tools.Of(request.Session!)] }, ContractsJson.Default.ToolList);
}
