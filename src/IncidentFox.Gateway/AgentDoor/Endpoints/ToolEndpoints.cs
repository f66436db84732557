using IncidentFox.Contracts;
using IncidentFox.Gateway.Admission;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Gateway.AgentDoor.Endpoints;

/// <summary>Both ways to call a tool. They differ in how a call is written down and end in the same place.</summary>
internal sealed class ToolEndpoints(IntegrationSource integrations, ToolAdmission admission)
{
    private const int MaxReason = 1_000;

    /// <summary><c>POST /tools/{tool}</c>.</summary>
    public async Task CallAsync(AgentRequest request, byte[] body)
    {
        var (message, error) = MessageCodec.Read(body, "tool_request", ContractsJson.Default.ToolRequest);
        if (message is null)
        {
            await request.RefuseAsync(400, "bad_message", $"The call can't be read: {error}.");
            return;
        }
        var tool = request.Path[Protocol.ToolPathPrefix.Length..];
        var call = ToolDoor.Parse(integrations.Current, request.Session!.Resource.Team, tool, message.Arguments);
        await admission.HandleAsync(request, call, Bounds.Cut(message.Reason, MaxReason));
    }

    /// <summary><c>/i/{integration}/...</c>.</summary>
    public async Task ForwardAsync(AgentRequest request, byte[] body)
    {
        var http = request.Http.Request;
        var rest = request.Path[Protocol.IntegrationPathPrefix.Length..];
        var slash = rest.IndexOf('/');
        var name = slash < 0 ? rest : rest[..slash];
        var target = (slash < 0 ? "" : rest[slash..]) + (request.Query.Length > 0 ? "?" + request.Query : "");
        var call = BaseUrlDoor.Parse(integrations.Current, request.Session!.Resource.Team, name, http.Method, target, body, HeadersOf(request));
        await admission.HandleAsync(request, call, ReasonOf(request));
    }

    /// <summary>Every header, as it was sent.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> HeadersOf(AgentRequest request) =>
        [.. request.Http.Request.Headers.SelectMany(h => h.Value.Select(v => KeyValuePair.Create(h.Key, v ?? "")))];

    /// <summary>What the agent says it is for.</summary>
    public static string? ReasonOf(AgentRequest request) => Bounds.Cut(request.Http.Request.Headers[Protocol.ReasonHeader].FirstOrDefault(), MaxReason);
}
