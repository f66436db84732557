using IncidentFox.Contracts;
using IncidentFox.Core.Investigations;
using IncidentFox.Gateway.AgentDoor.Endpoints;
using IncidentFox.Gateway.AgentDoor.Proxy;
using IncidentFox.Gateway.AgentDoor.Sockets;
using IncidentFox.Gateway.Alerts;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Gateway.AgentDoor;

/// <summary>
/// Everything a sandbox can ask, in one table. It looks at the request target as it was sent, never at a decoded or normalized path: what was sent and
/// what is decided on can't differ.
/// </summary>
internal sealed class AgentDispatcher(
    SandboxSessions sessions, SessionCache lately, Traffic traffic, HelloEndpoint hello, TaskEndpoint task, ToolListEndpoint toolList, EventsEndpoint events,
    ApprovalEndpoint approvals, ToolEndpoints tools, ModelEndpoint model, ProxyEndpoint proxy, SecurityAlerts alerts, ILogger<AgentDispatcher> logger)
{
    private const string WhatThereIs =
        $"POST {Protocol.HelloPath}, GET {Protocol.TaskPath}, GET {Protocol.ToolsPath}, POST {Protocol.EventsPath}, POST {Protocol.ModelPath}, GET {Protocol.ApprovalPathPrefix}{{id}}, "
        + $"POST {Protocol.ToolPathPrefix}{{tool}}, {Protocol.IntegrationPathPrefix}{{integration}}/...";

    // What is judged again when its row is written may begin with a session that was read lately.
    private sealed record Route(string? Method, string Path, bool IsPrefix, Func<AgentRequest, byte[], Task> Handle, bool IsJudgedAgain = false);

    private readonly Route[] _routes =
    [
        new("POST", Protocol.HelloPath, false, hello.HandleAsync),
        new("GET", Protocol.TaskPath, false, (r, _) => task.HandleAsync(r)),
        new("GET", Protocol.ToolsPath, false, (r, _) => toolList.HandleAsync(r)),
        new("POST", Protocol.EventsPath, false, events.HandleAsync),
        new("GET", Protocol.ApprovalPathPrefix, true, (r, _) => approvals.HandleAsync(r)),
        new("POST", Protocol.ModelPath, false, model.HandleAsync, IsJudgedAgain: true),
        new("POST", Protocol.ToolPathPrefix, true, tools.CallAsync, IsJudgedAgain: true),
        new(null, Protocol.IntegrationPathPrefix, true, tools.ForwardAsync, IsJudgedAgain: true),
    ];

    /// <summary>Every method and path there is; a prefix ends with a slash. No method: any.</summary>
    internal IEnumerable<(string? Method, string Path)> Routes => _routes.Select(r => (r.Method, r.Path));

    // Inside a tunnel there is nothing but the place it leads to.
    private readonly Route _tunnel = new(null, Protocol.IntegrationPathPrefix, true, proxy.ForwardAsync, IsJudgedAgain: true);

    public async Task HandleAsync(HttpContext http)
    {
        if (http.Features.Get<SandboxConnection>() is not { Sandbox: var sandbox })
        {
            // Not one of our sockets: this application was given another endpoint.
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        var raw = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var question = raw.IndexOf('?');
        var request = new AgentRequest(http, sandbox, question < 0 ? raw : raw[..question], question < 0 ? "" : raw[(question + 1)..]);
        var tunnel = http.Features.Get<Tunnel>();
        tunnel?.CountRequest();
        using var turn = traffic.TryEnter(sandbox, out var busy);
        try
        {
            if (turn is null)
            {
                http.Response.Headers.RetryAfter = "1";
                await request.RefuseAsync(429, "too_many_requests", busy);
                return;
            }
            await DispatchAsync(request, tunnel is not null);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client left; nobody is there to be answered.
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            logger.LogError(e, "The database failed a request of {Sandbox} ({CorrelationId})", sandbox, request.CorrelationId);
            await FailAsync(request, 503, "database_unavailable", "The gateway can't reach its database, so nothing was done. Try again.");
        }
        catch (Exception e)
        {
            logger.LogError(e, "A request of {Sandbox} failed ({CorrelationId})", sandbox, request.CorrelationId);
            await FailAsync(request, 500, "internal", "The gateway failed; its log has the reason under the correlation id.");
        }
        finally
        {
            if (request.RefusedWith is not null)
                alerts.Refused(request);
        }
    }

    private async Task DispatchAsync(AgentRequest request, bool isInTunnel)
    {
        var route = isInTunnel ? _tunnel : Array.Find(_routes, r => r.IsPrefix ? request.Path.StartsWith(r.Path, StringComparison.Ordinal) : request.Path == r.Path);
        if (RequestReader.Check(request.Http, mayBeEncoded: route?.Path == Protocol.IntegrationPathPrefix) is { } problem)
        {
            // Whatever follows on this connection can't be trusted to begin where we think.
            request.Http.Response.Headers.Connection = "close";
            await request.RefuseAsync(problem.Status, problem.Code, problem.Sentence);
            return;
        }
        if (route is null && ProxyEndpoint.Misplaced(request) is { } misplaced)
        {
            request.Http.Response.Headers.Connection = "close";
            await request.RefuseAsync(misplaced.Status, misplaced.Code, misplaced.Sentence);
            return;
        }
        if (route is null)
        {
            await request.RefuseAsync(404, "not_found", $"There is nothing here. There is: {WhatThereIs}.");
            return;
        }
        if (route.Method is not null && route.Method != request.Http.Request.Method)
        {
            await request.RefuseAsync(405, "method_not_allowed", $"{route.Path} takes {route.Method}.");
            return;
        }
        if (request.Query.Length > 0 && route.Path is not (Protocol.ApprovalPathPrefix or Protocol.IntegrationPathPrefix))
        {
            await request.RefuseAsync(400, "bad_request", $"{route.Path} takes no query.");
            return;
        }
        // The task waits for its session by itself; nothing else is answered without one, and nothing but hello before the cage was shown.
        if (route.Path != Protocol.TaskPath)
        {
            request.Session = route.IsJudgedAgain
                ? await lately.FindAsync(request.Sandbox, request.Aborted)
                : await sessions.FindAsync(request.Sandbox, request.Aborted);
            if (request.Session is null)
            {
                await request.RefuseSessionOverAsync();
                return;
            }
            if (route.Path != Protocol.HelloPath && request.Session.State == "starting")
            {
                await request.RefuseAsync(403, "not_caged", $"Say hello first: POST {Protocol.HelloPath}.");
                return;
            }
        }
        var (body, unread) = await RequestReader.ReadAsync(request.Http);
        if (unread is { } bad)
            await request.RefuseAsync(bad.Status, bad.Code, bad.Sentence);
        else
            await route.Handle(request, body);
    }

    private static Task FailAsync(AgentRequest request, int status, string code, string sentence)
    {
        if (!request.Http.Response.HasStarted)
            return request.RefuseAsync(status, code, sentence);
        // Half an answer must not look like a whole one.
        request.Http.Abort();
        return Task.CompletedTask;
    }
}
