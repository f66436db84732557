using IncidentFox.Contracts;
using IncidentFox.Gateway.Admission;
using IncidentFox.Gateway.AgentDoor.Endpoints;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>
/// A request inside a tunnel. It is for the place that the CONNECT named or for nobody, and then it is read as the base-URL door reads it.
/// </summary>
internal sealed class ProxyEndpoint(IntegrationSource integrations, ToolAdmission admission)
{
    public async Task ForwardAsync(AgentRequest request, byte[] body)
    {
        var call = Parse(request, request.Http.Features.GetRequiredFeature<Tunnel>(), body);
        await admission.HandleAsync(request, call, ToolEndpoints.ReasonOf(request));
    }

    /// <summary>What to say to a request outside a tunnel that takes the gateway for a proxy; null when it does not.</summary>
    public static (int Status, string Code, string Sentence)? Misplaced(AgentRequest request)
    {
        if (HttpMethods.IsConnect(request.Http.Request.Method))
            return (405, "method_not_allowed", $"A CONNECT is taken as the first request of a connection, and only where the proxy door is open (Gateway:Proxy:Enabled); else use {Protocol.IntegrationPathPrefix}{{integration}}/...");
        return request.Path.Contains("://", StringComparison.Ordinal) && !request.Path.StartsWith('/')
            ? (400, "bad_request", $"Plain http is not proxied: use https through the proxy door (Gateway:Proxy:Enabled), or {Protocol.IntegrationPathPrefix}{{integration}}/...")
            : null;
    }

    private ParsedCall Parse(AgentRequest request, Tunnel tunnel, byte[] body)
    {
        var http = request.Http.Request;
        if (!HttpProtocol.IsHttp11(http.Protocol) && !HttpProtocol.IsHttp2(http.Protocol))
            return new ParsedCall.Refused("bad_request", "Inside a tunnel HTTP/1.1 or HTTP/2 is spoken.");
        if (HttpMethods.IsConnect(http.Method) || !request.Path.StartsWith('/'))
            return new ParsedCall.Refused("bad_request", "Inside a tunnel a request names a path; there is no further proxy, tunnel or WebSocket behind it.");
        var hosts = http.Headers.Host;
        if (hosts.Count != 1 || !ConnectHead.IsAt(hosts[0] ?? "", tunnel.Host, tunnel.Port))
            return new ParsedCall.Refused("bad_request", $"The tunnel leads to {tunnel.Authority} and the request's Host is another one.");
        var catalog = integrations.Current;
        var team = request.Session!.Resource.Team;
        var here = ProxyOrigins.At(catalog, team, tunnel.Host, tunnel.Port);
        if (ProxyOrigins.Below(here, request.Path) is not var (integration, rest))
        {
            return new ParsedCall.Refused("no_rule", here.Count == 0
                ? $"No integration of this team is at {tunnel.Authority} any more."
                : $"The integrations at {tunnel.Authority} are below {string.Join(", ", here.Select(i => i.BaseUrl.AbsolutePath))}, and this path is not.");
        }
        var target = rest + (request.Query.Length > 0 ? "?" + request.Query : "");
        return BaseUrlDoor.Parse(catalog, team, integration.Name, http.Method, target, body, ToolEndpoints.HeadersOf(request));
    }
}
